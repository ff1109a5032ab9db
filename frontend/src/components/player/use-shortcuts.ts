"use client";

import { useEffect } from "react";

import type { Engine } from "@/lib/player/engine";
import type { Song } from "@/lib/player/state";
import { TRACKS } from "@/lib/player/state";
import { barAt } from "@/lib/score/score";

export const SHORTCUTS: readonly (readonly [keys: string, what: string])[] = [
  ["Space", "Play or pause"],
  ["← →", "Bar before, bar after"],
  ["Home", "Back to the first bar"],
  ["+ −", "Faster, slower"],
  ["0", "Normal speed"],
  ["L", "Loop this bar, or loop off"],
  ["M", "Click on or off"],
  ["C", "Count-in on or off"],
  ["S", "Another sound: song, without drums, drums, written drums"],
  ["F", "Score alone on the screen, and back"],
  ["?", "This list"],
];

const TYPED_IN = "input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";

/** Jumps by whole bars; a jump back within the first moments of a bar goes to the one before. */
export function jumpBars(engine: Engine, song: Song, by: number): void {
  const now = engine.now();
  const index = barAt(song.bars, now);
  const settled = by < 0 && now - (song.bars[index]?.start ?? 0) > 0.6 ? by + 1 : by;
  const target = song.bars[Math.min(song.bars.length - 1, Math.max(0, index + settled))];
  if (target) engine.seek(target.start);
}

/** Switches a loop off, and on again where the music is inside it; elsewhere it loops the bar that is heard. */
export function loopHere(engine: Engine, song: Song): void {
  const { loop, loopOn } = engine.snapshot();
  const now = engine.now();
  const bar = song.bars[barAt(song.bars, now)];
  if (loop && (loopOn || (now >= loop.start && now < loop.end))) engine.toggleLoop();
  else if (bar) engine.setLoop({ start: bar.start, end: bar.end });
}

export function useShortcuts(engine: Engine, song: Song, showHelp: () => void, fullPage: () => void): void {
  useEffect(() => {
    const sounds = [...TRACKS.filter((track) => song.tracks[track]), "written"] as const;
    const nextSound = () => engine.setSound(sounds[(sounds.indexOf(engine.snapshot().sound) + 1) % sounds.length] ?? "written");
    const actions: Record<string, () => void> = {
      " ": () => engine.toggle(),
      ArrowLeft: () => jumpBars(engine, song, -1),
      ArrowRight: () => jumpBars(engine, song, 1),
      Home: () => engine.seek(song.bars[0]?.start ?? 0),
      "+": () => engine.setRate(engine.snapshot().rate + 0.05),
      "=": () => engine.setRate(engine.snapshot().rate + 0.05),
      "-": () => engine.setRate(engine.snapshot().rate - 0.05),
      "0": () => engine.setRate(1),
      l: () => loopHere(engine, song),
      m: () => engine.toggleClick(),
      c: () => engine.toggleCountIn(),
      s: nextSound,
      f: fullPage,
      "?": showHelp,
    };
    const press = (event: KeyboardEvent) => {
      const target = event.target instanceof Element ? event.target : null;
      if (event.ctrlKey || event.metaKey || event.altKey || target?.closest(TYPED_IN) || target?.closest("dialog")) return;
      // A focused slider keeps its arrows and a focused button its space bar.
      if (target?.closest("input") && event.key.startsWith("Arrow")) return;
      if (target?.closest("button, a, summary, [role=switch]") && event.key === " ") return;
      const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [engine, song, showHelp, fullPage]);
}
