import type { JobResult } from "@/lib/api/types";
import { drumsUsed } from "@/lib/score/drums";
import type { ScoreDocument } from "@/lib/score/score";
import { barTimes } from "@/lib/score/score";
import type { Song } from "./state";

/** The parts of a result that are played. */
export type Played = Pick<JobResult, "hits" | "beats" | "duration_seconds">;

/** What the player plays, from what the service found and wrote. */
export function songOf(result: Played, score: ScoreDocument, tracks: Song["tracks"]): Song {
  const bars = barTimes(score);
  return {
    duration: result.duration_seconds ?? bars.at(-1)?.end ?? 0,
    hits: [...result.hits].sort((one, other) => one.time - other.time),
    beats: result.beats,
    bars,
    drums: drumsUsed(result.hits),
    tracks,
  };
}
