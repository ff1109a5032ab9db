// Copy and paste: bars and strokes that were taken along, and what putting them down does to a draft.
import { Store } from "@/lib/player/store";
import { quarters } from "@/lib/score/score";

import type { Action, Stroke } from "./draft";
import type { Answer } from "./commands";
import type { BarNotes, EditNote } from "./notes";
import { noteAt, rivalAt } from "./notes";

/** Whole bars, which take the place of others, or single strokes, which join them. `bar` counts from the first of them. */
export interface Clip {
  whole: boolean;
  bars: number;
  strokes: readonly Stroke[];
}

/** What was copied last, whichever song it came from. */
class Clipboard extends Store<{ clip: Clip | null }> {
  keep(clip: Clip): void {
    this.set({ clip });
  }
}

export const clipboard = new Clipboard({ clip: null });

export interface Target extends BarNotes {
  /** Quarter notes. */
  length: number;
}

const strokeOf = ({ bar, onset, drum, velocity, flam }: EditNote, first: number): Stroke => ({ bar: bar - first, onset, drum, velocity, flam });

export function clipOf(notes: readonly EditNote[], whole: boolean, first: number, bars: number): Clip {
  return { whole, bars, strokes: notes.map((note) => strokeOf(note, first)) };
}

export const without = (notes: readonly EditNote[]): Action[] => notes.map(({ id }) => ({ do: "delete", id }));

/** One bar made like another. A stroke that is there already stays where it was heard; only how it is played is taken over. */
function madeLike(target: Target, bar: number, strokes: readonly Stroke[], whole: boolean, freshId: () => string): Action[] {
  const actions: Action[] = [];
  const kept = new Set<string>();
  for (const stroke of strokes) {
    const { onset, drum, velocity, flam } = stroke;
    const there = noteAt(target.notes, onset, drum);
    const gone = there ? undefined : noteAt(target.deleted, onset, drum);
    const same = there ?? gone;
    const rival = rivalAt(target.notes, onset, drum);
    if (gone) actions.push({ do: "restore", id: gone.id });
    if (same) {
      kept.add(same.id);
      const changes = { ...(Math.abs(same.velocity - velocity) > 0.005 && { velocity }), ...(same.flam !== flam && !same.roll && { flam }) };
      if (Object.keys(changes).length > 0) actions.push({ do: "change", id: same.id, to: changes });
    } else actions.push({ do: "add", id: freshId(), stroke: { ...stroke, bar } });
    if (rival && !whole) actions.unshift({ do: "delete", id: rival.id });
  }
  const over = whole ? target.notes.filter(({ id }) => !kept.has(id)) : [];
  return [...without(over), ...actions];
}

/** Puts a clip down from a bar on, so many times in a row. */
export function paste(clip: Clip, at: number, times: number, bars: number, targetOf: (bar: number) => Target, freshId: () => string): Answer {
  const actions: Action[] = [];
  let left = 0;
  let last = at - 1;
  for (let step = 0; step < times * clip.bars; step++) {
    const bar = at + step;
    const own = clip.strokes.filter((stroke) => stroke.bar === step % clip.bars);
    if (bar >= bars) {
      left += own.length;
      continue;
    }
    last = bar;
    const target = targetOf(bar);
    const fitting = own.filter(({ onset }) => quarters(onset) < target.length);
    left += own.length - fitting.length;
    actions.push(...madeLike(target, bar, fitting, clip.whole, freshId));
  }
  const where = last > at ? `${last - at + 1} bars` : "this bar";
  const rest = left > 0 ? `; ${left} ${left === 1 ? "stroke" : "strokes"} had no place` : "";
  return { actions, said: actions.length > 0 ? `Pasted into ${where}${rest}` : `Nothing to change${rest}` };
}
