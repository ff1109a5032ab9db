"use client";

import { createContext, useContext } from "react";

import type { Engine } from "@/lib/player/engine";
import type { Song } from "@/lib/player/state";
import type { ScoreDocument } from "@/lib/score/score";

/** What stands open on the score page, for whatever is shown beside the score. */
export interface Stand {
  engine: Engine;
  song: Song;
  score: ScoreDocument;
  /** Index of the bar that was pressed last, or that a panel chose. */
  selectedBar: number;
  selectBar: (index: number) => void;
}

const StandContext = createContext<Stand | null>(null);

export const StandProvider = StandContext.Provider;

/** The stand around a panel of the score page. */
export function useStand(): Stand {
  const stand = useContext(StandContext);
  if (!stand) throw new Error("useStand belongs inside a ScorePage.");
  return stand;
}
