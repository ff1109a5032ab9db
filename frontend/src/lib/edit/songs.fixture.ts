import type { ScoreDocument, ScoreNote } from "@/lib/score/score";

/** A note as score.json has it; `time` names it. */
export const heard = (drum: string, onset: string, time: number, more: Partial<ScoreNote> = {}): ScoreNote => ({
  onset,
  drum,
  voice: 1,
  velocity: 100,
  confidence: 0.9,
  time,
  ...more,
});

/** Bars of 4/4 at 120 beats a minute, two seconds each. */
export function songOfBars(...bars: ScoreNote[][]): ScoreDocument {
  return {
    bars: bars.map((notes, at) => ({
      number: at + 1,
      start: String(4 * at),
      time: 2 * at,
      time_signature: { numerator: 4, denominator: 4 },
      notes,
    })),
    tempo_map: { anchors: Array.from({ length: 4 * bars.length + 1 }, (_, quarter) => ({ position: String(quarter), time: quarter / 2 })) },
  };
}
