import { describe, expect, it } from "vitest";

import { clipOf, paste, type Target } from "./clipboard";
import type { Action } from "./draft";
import { fold, operations } from "./draft";
import { indexNotes, notesOf } from "./notes";
import { heard, songOfBars } from "./songs.fixture";
import { quarters } from "@/lib/score/score";

const bars = [
  [["0", "kick"], ["1/2", "hihat_closed"], ["1", "snare"]],
  [["0", "kick"], ["1/2", "hihat_open"], ["2", "snare"]],
  [["3", "ride"]],
] as const;
const score = songOfBars(...bars.map((bar, at) => bar.map(([onset, drum]) => heard(drum, onset, 2 * at + quarters(onset) / 2))));
const index = indexNotes(score);
const targets = (actions: readonly Action[] = [], length = 4) => (bar: number): Target => ({ ...notesOf(index, score, fold([{ actions }]), bar), length });
const ids = () => {
  let last = 0;
  return () => `new-${++last}`;
};
const written = (actions: readonly Action[], bar: number) => targets(actions)(bar).notes.map(({ onset, drum }) => `${onset} ${drum}`);
const first = () => clipOf(targets()(0).notes, true, 0, 1);

describe("a bar that is pasted over another", () => {
  it("makes it the same, and lets strokes that are there already stay as they were heard", () => {
    const { actions } = paste(first(), 1, 1, 3, targets(), ids());
    expect(written(actions, 1)).toEqual(written([], 0));
    expect(operations(fold([{ actions }])).map(({ op }) => op)).toEqual(["delete", "delete", "add", "add"]);
    expect(written(actions, 2)).toEqual(["3 ride"]);
  });

  it("is repeated into the next ones, as far as there are any", () => {
    const { actions, said } = paste(first(), 1, 8, 3, targets(), ids());
    for (const bar of [1, 2]) expect(written(actions, bar)).toEqual(written([], 0));
    expect(said).toBe("Pasted into 2 bars; 18 strokes had no place");
  });

  it("changes nothing where all is so already", () => {
    expect(paste(first(), 0, 1, 3, targets(), ids())).toEqual({ actions: [], said: "Nothing to change" });
  });

  it("brings back what was taken away, as it was heard", () => {
    const gone: Action[] = targets()(0).notes.map(({ id }) => ({ do: "delete", id }));
    const { actions } = paste(first(), 0, 1, 3, targets(gone), ids());
    expect(operations(fold([{ actions: [...gone, ...actions] }]))).toEqual([]);
  });

  it("leaves out what a shorter bar has no place for", () => {
    const { actions, said } = paste(clipOf(targets()(2).notes, true, 2, 1), 0, 1, 3, targets([], 3), ids());
    expect(written(actions, 0)).toEqual([]);
    expect(said).toContain("1 stroke had no place");
  });

  it("takes loudness and flams over", () => {
    const louder = clipOf(targets()(0).notes.map((note) => ({ ...note, velocity: 0.9, flam: note.drum === "snare" })), true, 0, 1);
    const { actions } = paste(louder, 0, 1, 3, targets(), ids());
    expect(actions).toHaveLength(3);
    expect(actions).toContainEqual(expect.objectContaining({ do: "change", to: { velocity: 0.9, flam: true } }));
  });
});

describe("several bars", () => {
  it("keep their order, also when they are pasted twice", () => {
    const two = clipOf([...targets()(1).notes, ...targets()(2).notes], true, 1, 2);
    expect(written(paste(two, 0, 1, 3, targets(), ids()).actions, 1)).toEqual(["3 ride"]);
    expect(written(paste(two, 0, 2, 3, targets(), ids()).actions, 2)).toEqual(written([], 1));
  });
});

describe("single strokes", () => {
  it("join those of the bar, and only take the place of what the same hand or pedal plays there", () => {
    const hat = clipOf(targets()(0).notes.filter(({ drum }) => drum === "hihat_closed"), false, 0, 1);
    expect(written(paste(hat, 2, 1, 3, targets(), ids()).actions, 2)).toEqual(["1/2 hihat_closed", "3 ride"]);
    expect(written(paste(hat, 1, 1, 3, targets(), ids()).actions, 1)).toEqual(["0 kick", "1/2 hihat_closed", "2 snare"]);
  });
});
