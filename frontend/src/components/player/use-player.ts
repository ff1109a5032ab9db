"use client";

import { useEffect, useMemo, useSyncExternalStore } from "react";

import type { PlayerState, Song } from "@/lib/player/state";
import { Engine } from "@/lib/player/engine";

/** The player of a song for as long as the page shows it. */
export function usePlayer(song: Song): Engine {
  const engine = useMemo(() => new Engine(song), [song]);
  useEffect(() => {
    engine.open();
    return () => engine.close();
  }, [engine]);
  return engine;
}

export function usePlayerState(engine: Engine): PlayerState {
  return useSyncExternalStore(engine.subscribe, engine.snapshot, engine.snapshot);
}
