import { Store } from "@/lib/player/store";

import type { Action, Draft, NoteId, Step } from "./draft";
import { fold, sizeOf } from "./draft";
import type { Keeper } from "./keep";

export interface EditState {
  /** The revision that the steps correct; 0: there are none. */
  revision: number;
  steps: readonly Step[];
  undone: readonly Step[];
  draft: Draft;
  /** How many notes the draft touches. */
  count: number;
}

const NOTHING = { revision: 0, steps: [], undone: [], draft: fold([]), count: 0 } satisfies EditState;

/** The corrections of one song that are not saved yet, with undo and redo. They outlive the page in the browser. */
export class EditStore extends Store<EditState> {
  private lastOwn = 0;

  constructor(private readonly keeper: Keeper) {
    super(NOTHING);
    const kept = keeper.read();
    if (kept) this.put(kept.revision, kept.steps, []);
  }

  /** A name for a note that is about to be added. */
  freshId(): NoteId {
    const taken = [...this.state.steps, ...this.state.undone].flatMap((step) => step.actions.map(({ id }) => id));
    do this.lastOwn += 1;
    while (taken.includes(`new-${this.lastOwn}`));
    return `new-${this.lastOwn}`;
  }

  /** Takes one step on top of a revision. */
  take(revision: number, actions: readonly Action[], gesture?: string): void {
    if (actions.length === 0) return;
    const steps = revision === this.state.revision ? this.state.steps : []; // what nothing came of is not carried over
    const last = steps.at(-1);
    const goesOn = gesture !== undefined && last?.gesture === gesture;
    const step = goesOn ? { gesture, actions: [...last.actions, ...actions] } : { gesture, actions };
    this.put(revision, [...(goesOn ? steps.slice(0, -1) : steps), step], []);
  }

  undo(): void {
    const { revision, steps, undone } = this.state;
    const last = steps.at(-1);
    if (last) this.put(revision, steps.slice(0, -1), [...undone, last]);
  }

  redo(): void {
    const { revision, steps, undone } = this.state;
    const next = undone.at(-1);
    if (next) this.put(revision, [...steps, next], undone.slice(0, -1));
  }

  /** Puts other steps in the place of what was there: after a newer version was taken over. */
  replace(revision: number, steps: readonly Step[]): void {
    this.put(revision, steps, []);
  }

  clear(): void {
    this.put(0, [], []);
  }

  private put(revision: number, steps: readonly Step[], undone: readonly Step[]): void {
    const draft = fold(steps);
    const isEmpty = steps.length === 0 && undone.length === 0;
    this.set({ revision: isEmpty ? 0 : revision, steps, undone, draft, count: sizeOf(draft) });
    if (steps.length === 0) this.keeper.forget();
    else this.keeper.keep({ revision, steps });
  }
}
