"use client";

import { useEffect, useState, useSyncExternalStore } from "react";

import type { PlayerState, Song } from "@/lib/player/state";
import { Engine } from "@/lib/player/engine";

/** The player of a song for as long as the page shows it; a newer revision of the song goes on where the old one was. */
export function usePlayer(song: Song): Engine {
  const [engine] = useState(() => new Engine(song));
  useEffect(() => engine.setSong(song), [engine, song]);
  useEffect(() => {
    engine.open();
    return () => engine.close();
  }, [engine]);
  return engine;
}

export function usePlayerState(engine: Engine): PlayerState {
  return useSyncExternalStore(engine.subscribe, engine.snapshot, engine.snapshot);
}
