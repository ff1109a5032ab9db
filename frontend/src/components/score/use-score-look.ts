"use client";

import { useState } from "react";

/** How a player likes the score to look; kept in the browser. */
export interface ScoreLook {
  zoom: number;
  barsPerLine: number; // 0: as many as fit
  engine: "osmd" | "pages";
  tinted: boolean;
  follow: boolean;
}

export const SMALLEST = 0.5;
export const LARGEST = 2;
const KEY = "score-look";

function read(): ScoreLook {
  const plain: ScoreLook = { zoom: 1, barsPerLine: 0, engine: "osmd", tinted: true, follow: true };
  try {
    return { ...plain, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<ScoreLook>) };
  } catch {
    return plain; // no storage, or not what was written: the plain look is a good one
  }
}

export function useScoreLook(): [ScoreLook, (change: Partial<ScoreLook>) => void] {
  const [look, setLook] = useState<ScoreLook>(read);
  const change = (part: Partial<ScoreLook>) => {
    const next = { ...look, ...part };
    next.zoom = Math.min(LARGEST, Math.max(SMALLEST, Math.round(next.zoom * 10) / 10));
    setLook(next);
    try {
      localStorage.setItem(KEY, JSON.stringify(next));
    } catch {
      // A browser that keeps nothing still shows the change.
    }
  };
  return [look, change];
}
