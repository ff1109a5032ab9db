// Corrections of an older revision, set upon a newer one that somebody saved meanwhile.
import type { ScoreDocument } from "@/lib/score/score";

import type { Action, Draft, NoteId, Step } from "./draft";
import { hitOf } from "./draft";
import type { NoteIndex } from "./notes";
import { indexNotes, noteAt, notesOf } from "./notes";

export type Reason = "gone" | "bars" | "taken";

/** One correction that has no place in the newer revision. */
export interface Misfit {
  drum: string;
  /** Index of the bar in the older revision. */
  bar: number;
  reason: Reason;
}

export interface Refit {
  steps: Step[];
  misfits: Misfit[];
}

const SAME = 0.002; // seconds: a note that was heard keeps its time, give or take how figures are written

/** The hit in the newer revision: the same drum at the same time. */
function sameHit(id: NoteId, index: NoteIndex): NoteId | null {
  if (index.has(id)) return id;
  const { drum, time } = hitOf(id);
  for (const [other, { note }] of index) if (note.drum === drum && typeof note.time === "number" && Math.abs(note.time - time) < SAME) return other;
  return null;
}

/** The bar of the newer revision that is the same stretch of the song, whatever its number is now; null if there is none. */
function sameBar(older: ScoreDocument, newer: ScoreDocument, at: number): number | null {
  const one = older.bars[at];
  const metre = (bar: ScoreDocument["bars"][number]) => `${bar.time_signature.numerator}/${bar.time_signature.denominator} ${bar.length ?? ""}`;
  const found = newer.bars.findIndex((other) => one && Math.abs(one.time - other.time) < 0.02 && metre(one) === metre(other));
  return found < 0 ? null : found;
}

export function refit(draft: Draft, older: ScoreDocument, newer: ScoreDocument): Refit {
  const [before, after] = [indexNotes(older), indexNotes(newer)];
  const actions: Action[] = [];
  const misfits: Misfit[] = [];
  const none = { added: new Map(), changed: new Map(), deleted: new Set<string>(), confirmed: new Set<string>() };

  for (const id of draft.deleted) {
    const hit = sameHit(id, after);
    if (hit) actions.push({ do: "delete", id: hit }); // if it is gone already, all agree
  }
  for (const [id, to] of draft.changed) {
    if (draft.deleted.has(id)) continue;
    const hit = sameHit(id, after);
    const bar = before.get(id)?.bar ?? 0;
    const place = to.bar === undefined ? undefined : sameBar(older, newer, to.bar);
    if (!hit) misfits.push({ drum: hitOf(id).drum, bar, reason: "gone" });
    else if (place === null) misfits.push({ drum: hitOf(id).drum, bar, reason: "bars" });
    else actions.push({ do: "change", id: hit, to: { ...to, ...(place !== undefined && { bar: place }) } });
  }
  for (const id of draft.confirmed) {
    if (draft.deleted.has(id) || draft.changed.has(id)) continue;
    const hit = sameHit(id, after);
    if (hit) actions.push({ do: "confirm", id: hit });
    else misfits.push({ drum: hitOf(id).drum, bar: before.get(id)?.bar ?? 0, reason: "gone" });
  }
  for (const [id, stroke] of draft.added) {
    const { bar, drum, onset } = stroke;
    const place = sameBar(older, newer, bar);
    if (place === null) misfits.push({ drum, bar, reason: "bars" });
    else if (!noteAt(notesOf(after, newer, none, place).notes, onset, drum)) actions.push({ do: "add", id, stroke: { ...stroke, bar: place } });
    else misfits.push({ drum, bar, reason: "taken" });
  }
  return { steps: actions.length > 0 ? [{ actions }] : [], misfits };
}
