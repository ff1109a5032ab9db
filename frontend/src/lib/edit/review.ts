// The review queue: the least certain bars, and what is still open in each.
import type { Draft } from "./draft";
import type { EditNote, NoteIndex } from "./notes";
import { noteOf } from "./notes";
import type { ReviewBar } from "./wire";

const SURE = 0.6; // the tint of the score begins below

/** The doubtful notes of a bar, most doubtful first, as they stand now: those that were taken away are told too. */
export function questionsOf(queued: ReviewBar, index: NoteIndex, draft: Draft): { note: EditNote; deleted: boolean; open: boolean }[] {
  const times = new Map([...index].filter(([, { bar }]) => bar === queued.bar).map(([id, known]) => [id, known]));
  const found = queued.hits.flatMap(({ drum, time }) => {
    for (const [id, known] of times)
      if (known.note.drum === drum && Math.abs((known.note.time ?? Infinity) - time) < 0.002) {
        times.delete(id);
        return [{ id, known }];
      }
    return [];
  });
  const doubtful = found.filter(({ known }) => (known.note.confidence ?? 1) < SURE);
  return (doubtful.length > 0 ? doubtful : found.slice(0, 1)).map(({ id, known }) => {
    const note = noteOf(id, known, draft);
    const deleted = draft.deleted.has(id);
    return { note, deleted, open: note.state === "heard" && !deleted };
  });
}

/** How many bars of the queue have nothing open any more. */
export function settled(queue: readonly ReviewBar[], index: NoteIndex, draft: Draft): number {
  return queue.filter((bar) => questionsOf(bar, index, draft).every(({ open }) => !open)).length;
}
