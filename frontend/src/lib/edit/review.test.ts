import { describe, expect, it } from "vitest";

import type { Revision } from "@/lib/api/types";

import { fold, type Action } from "./draft";
import { indexNotes } from "./notes";
import { pulseOf, withBeatMoved, withTempo } from "./pulse";
import { questionsOf, settled } from "./review";
import { heard, songOfBars } from "./songs.fixture";
import { describe as tell } from "./versions";
import type { ReviewBar } from "./wire";

const song = songOfBars([heard("snare", "1", 0.5, { confidence: 0.2 }), heard("kick", "0", 0, { confidence: 0.5 }), heard("ride", "2", 1)]);
const index = indexNotes(song);
const queued: ReviewBar = {
  bar: 0,
  number: 1,
  start: 0,
  end: 2,
  doubt: 1.3,
  hits: [
    { time: 0.5, drum: "snare", confidence: 0.2 },
    { time: 0.0004, drum: "kick", confidence: 0.5 },
    { time: 1, drum: "ride", confidence: 0.9 },
    { time: 1.7, drum: "crash", confidence: 0.1 },
  ],
};
const ask = (...actions: Action[]) => questionsOf(queued, index, fold([{ actions }])).map(({ note, deleted, open }) => [note.id, deleted, open]);

describe("the review of a bar", () => {
  it("asks for its doubtful strokes in the server's order, and for nothing that is not written", () => {
    expect(ask()).toEqual([["snare@0.5", false, true], ["kick@0", false, true]]);
  });

  it("is answered by confirming, deleting or changing", () => {
    expect(ask({ do: "confirm", id: "snare@0.5" }, { do: "delete", id: "kick@0" })).toEqual([["snare@0.5", false, false], ["kick@0", true, false]]);
    expect(ask({ do: "change", id: "snare@0.5", to: { drum: "tom_low" } })[0]).toEqual(["snare@0.5", false, false]);
  });

  it("asks for the least sure stroke where none is doubtful", () => {
    const sure = { ...queued, hits: [queued.hits[2]!] };
    expect(questionsOf(sure, index, fold([])).map(({ note }) => note.id)).toEqual(["ride@1"]);
  });

  it("counts the bars that are done", () => {
    const one: Action = { do: "confirm", id: "snare@0.5" };
    expect(settled([queued], index, fold([{ actions: [one] }]))).toBe(0);
    expect(settled([queued], index, fold([{ actions: [one, { do: "delete", id: "kick@0" }] }]))).toBe(1);
  });
});

describe("tempo, bar lines, metre", () => {
  const base = { octave: "", downbeat: 0, time_signature: "" } as const;

  it("are asked for as they lie from what was heard", () => {
    expect(withTempo(base, "half")).toEqual({ octave: "half" });
    expect(withTempo({ ...base, octave: "double" }, "half")).toEqual({ octave: "" });
    expect(withTempo({ ...base, octave: "half" }, "half")).toBeNull();
  });

  it("come back to where they were after a whole bar", () => {
    const four = { numerator: 4, denominator: 4 };
    expect([1, 2, 3].map((downbeat) => withBeatMoved({ ...base, downbeat }, 1, four).downbeat)).toEqual([2, 3, 0]);
    expect(withBeatMoved(base, -1, four)).toEqual({ downbeat: -1 });
    expect(withBeatMoved({ ...base, downbeat: 1 }, 1, { numerator: 6, denominator: 8 })).toEqual({ downbeat: 0 });
    expect(withBeatMoved({ ...base, downbeat: -11 }, -1, { numerator: 15, denominator: 4 })).toEqual({ downbeat: 0 });
  });

  it("are read from what the server keeps", () => {
    expect(pulseOf({ octave: "double", downbeat: -2, time_signature: "6/8", voices: 2 })).toEqual({ octave: "double", downbeat: -2, time_signature: "6/8" });
    expect(pulseOf(undefined)).toEqual(base);
  });
});

describe("what is said of a version", () => {
  const version = (number: number, options = {}, edits = 0) => ({ number, options, edits, base: number - 1 }) as unknown as Revision;

  it("is what made it another one", () => {
    expect(tell(version(1), undefined)).toBe("as it was heard");
    expect(tell(version(2, {}, 3), version(1))).toBe("3 corrections");
    expect(tell(version(3, { octave: "half", downbeat: 1 }, 1), version(2))).toBe("1 correction, half tempo, bar lines moved");
    expect(tell(version(4, { octave: "" }), version(3, { octave: "half" }))).toBe("double tempo");
    expect(tell(version(5, { time_signature: "3/4" }), version(4))).toBe("in 3/4");
  });
});
