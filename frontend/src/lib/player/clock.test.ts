import { describe, expect, it } from "vitest";

import { clampRate, deviceTimeOf, fold, makeSegment, pieces, songTimeAt, unrolledAt } from "./clock";

describe("the clock", () => {
  it("rests at its place until its segment begins", () => {
    const segment = makeSegment(10, 3, 0.5, null);
    expect(songTimeAt(segment, 9)).toBe(3);
    expect(songTimeAt(segment, 12)).toBe(4);
  });

  it("repeats a loop and comes back from it at the same moment each time", () => {
    const loop = { start: 2, end: 5 };
    const segment = makeSegment(0, 4, 1, loop);
    expect([0, 0.5, 1, 3.5, 4, 7].map((time) => songTimeAt(segment, time))).toEqual([4, 4.5, 2, 4.5, 2, 2]);
  });

  it("does not pull a place behind the loop back into it", () => {
    expect(songTimeAt(makeSegment(0, 6, 1, { start: 2, end: 5 }), 1)).toBe(7);
  });

  it.each([0.25, 0.55, 1, 1.5])("turns places into device times and back at speed %f", (rate) => {
    const segment = makeSegment(1.25, 7.5, rate, null);
    for (let place = 7.5; place < 900; place += 13.7)
      expect(unrolledAt(segment, deviceTimeOf(segment, place))).toBeCloseTo(place, 9);
  });

  it("cuts an unrolled range into pieces that cover it without a gap, at every loop length", () => {
    for (const length of [0.3, 1 / 3, 2.137, 8]) {
      const loop = { start: 1.1, end: 1.1 + length };
      let reached = 0.2;
      for (const piece of pieces(0.2, 60, loop)) {
        expect(piece.unrolled).toBeCloseTo(reached, 6);
        expect(piece.from).toBeCloseTo(fold(piece.unrolled, loop), 6);
        reached = piece.unrolled + (piece.to - piece.from);
      }
      expect(reached).toBeCloseTo(60, 6);
    }
  });

  it("offers speeds from 25 to 150 per cent in steps of five", () => {
    expect([0, 0.27, 0.975, 3].map(clampRate)).toEqual([0.25, 0.25, 1, 1.5]);
  });
});
