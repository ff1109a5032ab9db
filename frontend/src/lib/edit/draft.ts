// Corrections that are not saved yet. A draft is a list of steps; what they come to is folded from it.
import type { Changes, DrumName, EditOperation, HitName } from "./wire";

/** A note's name: that of its hit in the revision that is corrected, or one of our own for a note that was added. */
export type NoteId = string;

export interface Stroke {
  bar: number;
  onset: string;
  drum: string;
  velocity: number; // 0 to 1
  flam: boolean;
}

export type Action =
  | { do: "add"; id: NoteId; stroke: Stroke }
  | { do: "change"; id: NoteId; to: Changes }
  | { do: "delete"; id: NoteId }
  | { do: "restore"; id: NoteId }
  | { do: "confirm"; id: NoteId };

/** What one undo takes back. */
export interface Step {
  actions: readonly Action[];
  /** Steps of one gesture, such as a fader that is dragged, share a name and are taken back together. */
  gesture?: string;
}

/** What all steps come to. */
export interface Draft {
  added: ReadonlyMap<NoteId, Stroke>;
  changed: ReadonlyMap<NoteId, Changes>;
  deleted: ReadonlySet<NoteId>;
  confirmed: ReadonlySet<NoteId>;
}

export const idOf = ({ drum, time }: HitName): NoteId => `${drum}@${time}`;

export function hitOf(id: NoteId): HitName {
  const cut = id.lastIndexOf("@");
  return { drum: id.slice(0, cut), time: Number(id.slice(cut + 1)) };
}

export function fold(steps: readonly Step[]): Draft {
  const added = new Map<NoteId, Stroke>();
  const changed = new Map<NoteId, Changes>();
  const deleted = new Set<NoteId>();
  const confirmed = new Set<NoteId>();
  for (const action of steps.flatMap((step) => step.actions)) {
    const { id } = action;
    const own = added.get(id);
    if (action.do === "add") added.set(id, action.stroke);
    else if (action.do === "change" && own) added.set(id, { ...own, ...action.to });
    else if (action.do === "change") changed.set(id, { ...changed.get(id), ...action.to });
    else if (action.do === "delete" && own) added.delete(id);
    else if (action.do === "delete") deleted.add(id);
    else if (action.do === "restore") deleted.delete(id);
    else if (!own) confirmed.add(id);
  }
  return { added, changed, deleted, confirmed };
}

/** Drums come from the server and from the rows of the grid, which are its own. */
const named = ({ drum, ...rest }: Changes) => ({ ...rest, ...(drum !== undefined && { drum: drum as DrumName }) });
const hit = (id: NoteId) => hitOf(id) as { drum: DrumName; time: number };

/**
 * The draft as the server wants it, with the note of each. Every hit is named once and by the name that it has in the
 * revision, so that no operation depends on another; what goes away comes first, so that its place is free for what comes.
 */
export function namedOperations({ added, changed, deleted, confirmed }: Draft): [NoteId, EditOperation][] {
  const gone = [...deleted].map((id): [NoteId, EditOperation] => [id, { op: "delete", ...hit(id) }]);
  const other = [...changed].filter(([id]) => !deleted.has(id)).map(([id, to]): [NoteId, EditOperation] => [id, { op: "change", ...hit(id), to: named(to) }]);
  const right = [...confirmed].filter((id) => !deleted.has(id) && !changed.has(id)).map((id): [NoteId, EditOperation] => [id, { op: "confirm", ...hit(id) }]);
  const fresh = [...added].map(([id, stroke]): [NoteId, EditOperation] => [id, { op: "add", ...stroke, drum: stroke.drum as DrumName }]);
  return [...gone, ...other, ...right, ...fresh];
}

export const operations = (draft: Draft): EditOperation[] => namedOperations(draft).map(([, operation]) => operation);

/** How many notes the draft touches. */
export const sizeOf = (draft: Draft): number => operations(draft).length;
