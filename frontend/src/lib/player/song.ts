import type { JobResult } from "@/lib/api/types";
import { drumsUsed } from "@/lib/score/drums";
import type { ScoreDocument } from "@/lib/score/score";
import { barTimes } from "@/lib/score/score";
import type { Beat } from "./schedule";
import type { Song } from "./state";

/** The parts of a result that are played. */
export type Played = Pick<JobResult, "hits" | "beats" | "downbeats" | "duration_seconds">;

/** Beats as the service sends them: with their number in the bar, or as plain times beside the downbeats. */
function beatsOf(result: Played): Beat[] {
  const beats = result.beats as unknown as (number | Beat)[];
  const downbeats = new Set<number>(result.downbeats);
  let number = 0;
  return beats.map((beat) => {
    if (typeof beat !== "number") return beat;
    number = downbeats.has(beat) ? 1 : number + 1;
    return { time: beat, number };
  });
}

/** What the player plays, from what the service found and wrote. */
export function songOf(result: Played, score: ScoreDocument, tracks: Song["tracks"]): Song {
  const bars = barTimes(score);
  return {
    duration: result.duration_seconds ?? bars.at(-1)?.end ?? 0,
    hits: [...result.hits].sort((one, other) => one.time - other.time),
    beats: beatsOf(result),
    bars,
    drums: drumsUsed(result.hits),
    tracks,
  };
}
