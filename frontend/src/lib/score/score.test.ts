import { describe, expect, it } from "vitest";

import { doubtOf } from "./doubt";
import { drumOfInstrument, drumsUsed } from "./drums";
import { barAtPoint, xOf } from "./engraving";
import { NoteFinder } from "./match";
import type { ScoreDocument } from "./score";
import { barAt, barTimes, onsetsOf, quarterAt, readScore } from "./score";

const four = { numerator: 4, denominator: 4 };
const snare = { onset: "5/3", drum: "snare", voice: 1, velocity: 90, confidence: 0.3 };
const score: ScoreDocument = {
  bars: [
    { number: 1, start: "0", time: 0.5, time_signature: four, notes: [snare] },
    { number: 2, start: "4", time: 2.5, time_signature: { numerator: 7, denominator: 8 }, notes: [] },
  ],
  tempo_map: { anchors: [0, 1, 2, 3, 4, 5, 6, 7, 7.5].map((quarter) => ({ position: quarter === 7.5 ? "15/2" : String(quarter), time: 0.5 + quarter / 2 })) },
};

describe("score.json", () => {
  it("has bars and notes also where the service leaves empty ones out", () => {
    const [full, rest] = score.bars;
    const written = { ...score, kind: "score", bars: [full, { ...rest, notes: undefined }] }; // JSON has no undefined
    expect(readScore(JSON.stringify(written))).toEqual({ ...score, kind: "score" });
    expect(readScore('{"kind": "score"}')).toEqual({ kind: "score", bars: [], tempo_map: { anchors: [] } });
  });
});

describe("bars and seconds", () => {
  it("ends each bar where the next begins and the last with the tempo map", () => {
    expect(barTimes(score).map(({ start, end }) => [start, end])).toEqual([[0.5, 2.5], [2.5, 4.25]]);
  });

  it("finds the bar of a time, before the first and after the last too", () => {
    expect([0, 0.5, 2.49, 2.5, 99].map((time) => barAt(barTimes(score), time))).toEqual([0, 0, 0, 1, 1]);
  });

  it("finds the quarter of a time along the tempo map, in an odd metre too", () => {
    const bars = barTimes(score);
    expect(quarterAt(onsetsOf(score, bars, 0), 1.25)).toBeCloseTo(1.5);
    expect(quarterAt(onsetsOf(score, bars, 1), 4.25)).toBeCloseTo(3.5);
  });
});

describe("a pick-up", () => {
  const first = { number: 0, start: "0", time: 0, length: "1", time_signature: four, notes: [] };
  const pickedUp: ScoreDocument = {
    bars: [first, { ...first, number: 1, start: "1", time: 0.5, length: null }],
    tempo_map: { anchors: [0, 1, 2, 3, 4, 5].map((quarter) => ({ position: String(quarter), time: quarter / 2 })) },
  };

  it("is as long as it is written, whatever the metre says", () => {
    expect(onsetsOf(pickedUp, barTimes(pickedUp), 0)).toEqual([{ quarter: 0, time: 0 }, { quarter: 1, time: 0.5 }]);
  });
});

describe("note heads and notes", () => {
  it("finds the note of a head although engines count triplets in floats", () => {
    expect(new NoteFinder(score).find(0, "snare", 1.6666666)).toBe(snare);
    expect(new NoteFinder(score).find(0, "kick", 1.6666666)).toBeNull();
  });

  it("reads the drum from MusicXML's instrument", () => {
    expect(drumOfInstrument("P1-I47")).toBe("hihat_open");
    expect(drumOfInstrument("P1-I99")).toBeNull();
    expect(drumOfInstrument(undefined)).toBeNull();
  });

  it("lists the drums of a song in the order of the kit", () => {
    expect(drumsUsed([{ instrument: "cowbell" }, { instrument: "ride" }, { instrument: "kick" }])).toEqual(["kick", "ride", "cowbell"]);
  });

  it("trusts notes that a person wrote", () => {
    expect([undefined, null, 0.6, 0.5, 0.2].map(doubtOf)).toEqual(["sure", "sure", "sure", "unsure", "doubtful"]);
  });
});

describe("places on the page", () => {
  const box = { index: 0, x: 10, y: 0, width: 100, height: 50, stops: [{ quarter: 0, x: 20 }, { quarter: 4, x: 100 }] };

  it("puts the cursor between the engraved beats", () => {
    expect([0, 1, 4, 9].map((quarter) => xOf(box, quarter))).toEqual([20, 40, 100, 100]);
  });

  it("takes the nearest bar for a point between the lines", () => {
    const below = { ...box, index: 1, y: 100 };
    expect(barAtPoint([box, below], 30, 60)?.index).toBe(0);
    expect(barAtPoint([box, below], 30, 95)?.index).toBe(1);
  });
});
