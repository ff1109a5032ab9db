// What to ask the server for when tempo, bar lines or metre are not as they should be. Options are told from what was heard.
import type { RevisionOptions } from "@/lib/api/types";

export type Pulse = Required<RevisionOptions>;

export const METRES = ["2/4", "3/4", "4/4", "5/4", "6/4", "7/4", "6/8", "7/8", "9/8", "12/8"] as const;

/** The options of a version that say where its beats are. */
export function pulseOf(options: Record<string, unknown> | undefined): Pulse {
  const { octave, downbeat, time_signature } = options ?? {};
  return {
    octave: octave === "half" || octave === "double" ? octave : "",
    downbeat: typeof downbeat === "number" ? downbeat : 0,
    time_signature: typeof time_signature === "string" ? time_signature : "",
  };
}

/** Half or double of the tempo as it is now; null where that is further from what was heard than the server goes. */
export function withTempo({ octave }: Pulse, wanted: "half" | "double"): RevisionOptions | null {
  if (octave === wanted) return null;
  return { octave: octave === "" ? wanted : "" };
}

/** Every bar line a beat earlier or later; a whole bar is where it began. */
export function withBeatMoved({ downbeat }: Pulse, by: 1 | -1, metre: { numerator: number; denominator: number }): RevisionOptions {
  const compound = metre.denominator === 8 && metre.numerator % 3 === 0 && metre.numerator > 3;
  const beats = compound ? metre.numerator / 3 : metre.numerator;
  const moved = downbeat + by;
  return { downbeat: Math.abs(moved) >= Math.min(beats, 12) ? 0 : moved };
}
