// One bar as it stands with the corrections that are not saved yet.
import type { ScoreDocument, ScoreNote } from "@/lib/score/score";
import { quarters } from "@/lib/score/score";

import type { Draft, NoteId, Stroke } from "./draft";
import { idOf } from "./draft";
import { LEVELS, OTHER_WAY } from "./kit";

export interface EditNote extends Stroke {
  id: NoteId;
  confidence: number;
  state: "heard" | "changed" | "added" | "confirmed";
  /** As the service wrote it; a note whose loudness was changed is not told yet. */
  ghost: boolean;
  accent: boolean;
  /** Strokes through the stem: several hits in one note. */
  roll: boolean;
}

export interface BarNotes {
  notes: EditNote[];
  /** What was heard and taken away, still shown so that it can be had back. */
  deleted: EditNote[];
}

type Known = { bar: number; note: ScoreNote };
export type NoteIndex = ReadonlyMap<NoteId, Known>;

/** Every note of a score by its name. Notes without a time were not heard and cannot be named. */
export function indexNotes(score: ScoreDocument): NoteIndex {
  const index = new Map<NoteId, Known>();
  score.bars.forEach((bar, at) => {
    for (const note of bar.notes) if (typeof note.time === "number") index.set(idOf({ drum: note.drum, time: note.time }), { bar: at, note });
  });
  return index;
}

/** A heard note with its corrections. */
export function noteOf(id: NoteId, { bar, note }: Known, draft: Draft): EditNote {
  const to = draft.changed.get(id);
  const loudness = to?.velocity;
  return {
    id,
    bar,
    onset: note.onset,
    drum: note.drum,
    velocity: note.velocity / 127,
    flam: (note.grace ?? 0) > 0,
    confidence: note.confidence ?? 1,
    ...to,
    ghost: loudness === undefined && note.ghost === true,
    accent: loudness === undefined && note.accent === true,
    roll: (note.tremolo ?? 0) > 0,
    state: to ? "changed" : draft.confirmed.has(id) ? "confirmed" : "heard",
  };
}

/** One note by its name, wherever it comes from; null if there is none, or none any more. */
export function findNote(index: NoteIndex, draft: Draft, id: NoteId): EditNote | null {
  const own = draft.added.get(id);
  if (own) return { id, ...own, confidence: 1, state: "added", ghost: false, accent: false, roll: false };
  const known = index.get(id);
  return known && !draft.deleted.has(id) ? noteOf(id, known, draft) : null;
}

export function notesOf(index: NoteIndex, score: ScoreDocument, draft: Draft, bar: number): BarNotes {
  const notes: EditNote[] = [];
  const deleted: EditNote[] = [];
  const take = (id: NoteId) => {
    const known = index.get(id);
    if (!known) return;
    const note = noteOf(id, known, draft);
    if (note.bar === bar) (draft.deleted.has(id) ? deleted : notes).push(note);
  };
  for (const note of score.bars[bar]?.notes ?? []) if (typeof note.time === "number") take(idOf({ drum: note.drum, time: note.time }));
  for (const [id, to] of draft.changed) if (to.bar === bar && index.get(id)?.bar !== bar) take(id);
  for (const id of draft.added.keys()) {
    const note = findNote(index, draft, id);
    if (note?.bar === bar) notes.push(note);
  }
  const order = (one: EditNote, other: EditNote) => quarters(one.onset) - quarters(other.onset);
  return { notes: notes.sort(order), deleted: deleted.sort(order) };
}

/** The bars in which a draft changes something. */
export function touchedBars(draft: Draft, index: NoteIndex): ReadonlySet<number> {
  const bars = new Set<number>();
  for (const id of [...draft.changed.keys(), ...draft.deleted, ...draft.confirmed]) {
    const bar = index.get(id)?.bar;
    if (bar !== undefined) bars.add(bar);
  }
  for (const { bar } of draft.changed.values()) if (bar !== undefined) bars.add(bar);
  for (const { bar } of draft.added.values()) bars.add(bar);
  return bars;
}

/** The note that stands in a cell of the grid, if any. */
export function noteAt(notes: readonly EditNote[], onset: string, drum: string): EditNote | undefined {
  return notes.find((note) => note.onset === onset && note.drum === drum);
}

/** A note that the same hand or pedal plays at this place: it gives way. */
export function rivalAt(notes: readonly EditNote[], onset: string, drum: string): EditNote | undefined {
  const other = OTHER_WAY[drum];
  return other === undefined ? undefined : noteAt(notes, onset, other);
}

/** How loud this song usually plays a drum: a stroke that is added sounds like its neighbours. */
export function usualVelocity(score: ScoreDocument, drum: string): number {
  const all = score.bars.flatMap((bar) => bar.notes.filter((note) => note.drum === drum && !note.ghost).map((note) => note.velocity));
  const middle = all.sort((one, other) => one - other)[all.length >> 1];
  return middle === undefined ? LEVELS.normal : Math.round((middle / 127) * 100) / 100;
}
