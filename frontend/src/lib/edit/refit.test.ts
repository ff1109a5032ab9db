import { describe, expect, it } from "vitest";

import { fold, type Action } from "./draft";
import { refit } from "./refit";
import { heard, songOfBars } from "./songs.fixture";

const older = songOfBars([heard("snare", "1", 0.5), heard("kick", "0", 0)], [heard("kick", "0", 2)]);
const draftOf = (...actions: Action[]) => fold([{ actions }]);
const stroke = { bar: 1, onset: "2", drum: "snare", velocity: 0.8, flam: false };

describe("corrections on top of a newer version", () => {
  it("all fit where only other notes were touched", () => {
    const newer = songOfBars([heard("snare", "1", 0.5), heard("kick", "0", 0), heard("crash", "0", 0.001)], [heard("kick", "0", 2)]);
    const draft = draftOf({ do: "delete", id: "snare@0.5" }, { do: "change", id: "kick@2", to: { bar: 1, onset: "1/2" } }, { do: "confirm", id: "kick@0" }, { do: "add", id: "new-1", stroke });
    const { steps, misfits } = refit(draft, older, newer);
    expect(misfits).toEqual([]);
    expect(steps[0]?.actions).toEqual([
      { do: "delete", id: "snare@0.5" },
      { do: "change", id: "kick@2", to: { bar: 1, onset: "1/2" } },
      { do: "confirm", id: "kick@0" },
      { do: "add", id: "new-1", stroke },
    ]);
  });

  it("find a hit although its time is written with other digits", () => {
    const newer = songOfBars([heard("snare", "1", 0.5004), heard("kick", "0", 0)], [heard("kick", "0", 2)]);
    expect(refit(draftOf({ do: "delete", id: "snare@0.5" }), older, newer).steps[0]?.actions).toEqual([{ do: "delete", id: "snare@0.5004" }]);
  });

  it("do not fit where the note is gone, and agree where both deleted it", () => {
    const newer = songOfBars([heard("kick", "0", 0)], [heard("kick", "0", 2)]);
    expect(refit(draftOf({ do: "change", id: "snare@0.5", to: { velocity: 1 } }), older, newer)).toEqual({
      steps: [],
      misfits: [{ drum: "snare", bar: 0, reason: "gone" }],
    });
    expect(refit(draftOf({ do: "confirm", id: "snare@0.5" }), older, newer).misfits).toHaveLength(1);
    expect(refit(draftOf({ do: "delete", id: "snare@0.5" }), older, newer)).toEqual({ steps: [], misfits: [] });
  });

  it("do not fit where a place is meant and the bars are others", () => {
    const newer = songOfBars([heard("snare", "1", 0.5), heard("kick", "0", 0), heard("kick", "2", 2)]);
    newer.bars[0] = { ...newer.bars[0]!, time_signature: { numerator: 8, denominator: 4 } };
    const draft = draftOf({ do: "add", id: "new-1", stroke }, { do: "change", id: "kick@2", to: { velocity: 0.5 } });
    const { steps, misfits } = refit(draft, older, newer);
    expect(misfits).toEqual([{ drum: "snare", bar: 1, reason: "bars" }]);
    expect(steps[0]?.actions).toEqual([{ do: "change", id: "kick@2", to: { velocity: 0.5 } }]); // loudness needs no place
  });

  it("follow their bar where bars were put before it", () => {
    const lead = songOfBars([], [heard("kick", "0", 2), heard("snare", "1", 2.5)], [heard("kick", "0", 4)]);
    const bars = lead.bars.map((bar) => ({ ...bar, time: bar.time - 2, notes: bar.notes.map((note) => ({ ...note, time: note.time! - 2 })) }));
    const draft = draftOf({ do: "add", id: "new-1", stroke }, { do: "change", id: "snare@0.5", to: { bar: 1, onset: "3" } });
    const { steps, misfits } = refit(draft, older, { ...lead, bars });
    expect(misfits).toEqual([]);
    expect(steps[0]?.actions).toEqual([
      { do: "change", id: "snare@0.5", to: { bar: 2, onset: "3" } },
      { do: "add", id: "new-1", stroke: { ...stroke, bar: 2 } },
    ]);
  });

  it("do not put a stroke where there is one already", () => {
    const newer = songOfBars([heard("snare", "1", 0.5), heard("kick", "0", 0)], [heard("kick", "0", 2), heard("snare", "2", 3)]);
    expect(refit(draftOf({ do: "add", id: "new-1", stroke }), older, newer)).toEqual({ steps: [], misfits: [{ drum: "snare", bar: 1, reason: "taken" }] });
  });
});
