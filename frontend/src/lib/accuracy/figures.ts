// The figures of docs/accuracy.json, as the evaluation wrote them.
import { type Drum, DRUMS } from "./drums";

/** Strokes that were found, missed and invented, and the F-measure that these come to. */
export type Counts = { f: number; found: number; missed: number; invented: number };

export type Heard = {
  hits_5: Counts;
  hits_9: Counts;
  drums: Record<Drum, Counts>;
  beat_f: number;
  downbeat_f: number;
  written_f: number;
};

/** One kind of generated music: shares from 0 to 1. */
export type Condition = { hits_9: number; velocity: number; beat_f: number; cmlt: number; amlt: number; metre: number; notes: number };

/** What pieces under one condition come to: how many, their strokes, and F over five and nine classes. */
export type Group = { pieces: number; strokes: number; hits_5: Counts; hits_9: Counts };

/** The ways in which generated music is grouped, in the order of the page. */
export const FAMILIES = ["ratio", "density", "tempo", "metre", "kit"] as const;

export type Family = (typeof FAMILIES)[number];

export type Figures = {
  networks: string[];
  recordings: { songs: number; strokes: number; tolerance_s: number; drums_alone: Heard; full_mix: Heard };
  generated: Record<string, Condition>;
  generated_set: { pieces: number; conditions: Partial<Record<Family, Record<string, Group>>> };
};

/** The figures in a file; an error if it is none that this page knows. */
export function readFigures(text: string): Figures {
  const value: unknown = JSON.parse(text);
  const isOurs = typeof value === "object" && value !== null && "schema_version" in value && value.schema_version === 1;
  if (!isOurs) throw new Error("accuracy.json is of another version");
  return value as unknown as Figures;
}

export const strokesOf = ({ found, missed }: Counts): number => found + missed;

/** What to expect of so many strokes in a row: whole ones, which add up. */
export function expected(counts: Counts, strokes: number): { right: number; missing: number; invented: number } {
  const all = strokesOf(counts);
  const right = Math.round((strokes * counts.found) / all);
  return { right, missing: strokes - right, invented: Math.round((strokes * counts.invented) / all) };
}

/** With fewer strokes than this nothing can be said of a drum. */
export const ENOUGH = 10;

const WEAK_BELOW = 0.75;

/** Drums that are often wrong, and of which enough strokes were heard to say so; the worst first. */
export const weakDrums = (heard: Heard): Drum[] =>
  DRUMS.filter((drum) => heard.drums[drum].f < WEAK_BELOW && strokesOf(heard.drums[drum]) >= ENOUGH).sort((a, b) => heard.drums[a].f - heard.drums[b].f);

export const percent = (share: number): string => `${Math.round(share * 100)} %`;
