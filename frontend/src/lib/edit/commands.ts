// What a press in the grid means, as actions on the draft. Nothing here knows of the screen.
import type { Action, Draft } from "./draft";
import { FLAMMED, LEVELS, type Level } from "./kit";
import type { BarNotes, EditNote } from "./notes";
import { noteAt, rivalAt } from "./notes";

export interface Answer {
  actions: Action[];
  /** Said to those who listen. */
  said: string;
}

type Named = (drum: string, onset: string) => string;

/** Puts a stroke in a cell: what was taken away there comes back, the other way of the same hand or pedal turns into it. */
export function put(bar: BarNotes, at: { bar: number; onset: string; drum: string }, velocity: number, freshId: () => string, named: Named): Answer {
  const { onset, drum } = at;
  const name = named(drum, onset);
  const before = noteAt(bar.deleted, onset, drum);
  const rival = rivalAt(bar.notes, onset, drum);
  if (rival) return { actions: [{ do: "change", id: rival.id, to: { drum, ...(rival.flam && !FLAMMED.has(drum) && { flam: false }) } }], said: `Now ${name}` };
  if (before) return { actions: [{ do: "restore", id: before.id }], said: `${name} is back` };
  return { actions: [{ do: "add", id: freshId(), stroke: { ...at, velocity, flam: false } }], said: `${name} added` };
}

export function remove(note: EditNote, named: Named): Answer {
  return { actions: [{ do: "delete", id: note.id }], said: `${named(note.drum, note.onset)} deleted` };
}

/** Moves a note to another place or drum. A place that is taken stays as it is. */
export function move(bar: BarNotes, note: EditNote, to: { bar: number; onset: string; drum: string }, named: Named): Answer {
  const name = named(to.drum, to.onset);
  if (to.drum === note.drum && to.onset === note.onset && to.bar === note.bar) return { actions: [], said: "" };
  if (noteAt(bar.notes, to.onset, to.drum)) return { actions: [], said: `There is ${name} already` };
  const rival = rivalAt(bar.notes, to.onset, to.drum);
  const changes = {
    ...(to.drum !== note.drum && { drum: to.drum }),
    ...(note.flam && !FLAMMED.has(to.drum) && { flam: false }),
    ...((to.onset !== note.onset || to.bar !== note.bar) && { bar: to.bar, onset: to.onset }),
  };
  const gone: Action[] = rival && rival.id !== note.id ? [{ do: "delete", id: rival.id }] : [];
  return { actions: [...gone, { do: "change", id: note.id, to: changes }], said: `Now ${name}` };
}

const clamp = (velocity: number) => Math.min(1, Math.max(0.01, Math.round(velocity * 100) / 100));

export function loudness(note: EditNote, velocity: number): Answer {
  const to = clamp(velocity);
  if (Math.abs(to - note.velocity) < 0.001) return { actions: [], said: "" };
  return { actions: [{ do: "change", id: note.id, to: { velocity: to } }], said: `${Math.round(to * 100)} per cent` };
}

export const level = (note: EditNote, wanted: Level): Answer => ({ ...loudness(note, LEVELS[wanted]), said: wanted });

export const canFlam = (note: EditNote): boolean => FLAMMED.has(note.drum) && !note.roll;

export function flam(note: EditNote): Answer {
  if (note.roll) return { actions: [], said: "A roll has no flam" };
  if (!canFlam(note)) return { actions: [], said: "Flams are for snare and toms" };
  return { actions: [{ do: "change", id: note.id, to: { flam: !note.flam } }], said: note.flam ? "Flam off" : "Flam on" };
}

/** A person says that these notes are right: once is enough, and notes that a person wrote need no word. */
export function confirm(notes: readonly EditNote[], draft: Draft, named: Named): Answer {
  const heard = notes.filter(({ id, state }) => state === "heard" && !draft.confirmed.has(id));
  const [only] = heard;
  const said = heard.length === 1 && only ? `${named(only.drum, only.onset)} confirmed` : `${heard.length} notes confirmed`;
  return { actions: heard.map(({ id }) => ({ do: "confirm", id })), said: heard.length > 0 ? said : "" };
}
