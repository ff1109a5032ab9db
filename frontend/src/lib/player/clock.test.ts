import { describe, expect, it } from "vitest";

import { clampRate, deviceTimeOf, fold, makeSegment, pieces, songTimeAt, unrolledAt } from "./clock";
import { BLOCK } from "./messages";
import { due } from "./schedule";

const SAMPLE_RATE = 44100;

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

describe("fifteen minutes in step", () => {
  // A beat of the recording lies in a block; that block's sample and the click planned for the beat must coincide.
  it.each([
    [1, null],
    [0.85, null],
    [1.35, null],
    [0.6, { start: 61.37, end: 69.881 }],
  ] as const)("plans every click within one sample of the recording at speed %f", (rate, loop) => {
    const inFrames = loop && { start: Math.round(loop.start * SAMPLE_RATE) / SAMPLE_RATE, end: Math.round(loop.end * SAMPLE_RATE) / SAMPLE_RATE };
    const segment = makeSegment(2, 0, rate, inFrames);
    const beats = Array.from({ length: 1800 }, (_, index) => ({ time: index * 0.4999 }));
    let planned = 0;
    let worst = 0;
    let count = 0;
    for (let device = 2; device < 902; device += 0.05) {
      const to = unrolledAt(segment, device + 1.2);
      for (const { event, when } of due(beats, segment, planned, to)) {
        const output = (when - segment.at) * SAMPLE_RATE;
        const block = Math.floor(output / BLOCK);
        // Input frames are rounded from the start of the run, as the stretcher does it.
        const first = Math.round(block * BLOCK * rate);
        const frame = first + (output - block * BLOCK) * rate;
        const sounding = fold(frame / SAMPLE_RATE, inFrames);
        worst = Math.max(worst, Math.abs(sounding - event.time) % (loop ? loop.end - loop.start - 1e-3 : Infinity));
        count += 1;
      }
      planned = to;
    }
    expect(count).toBeGreaterThan(900);
    expect(worst).toBeLessThan(1.01 / SAMPLE_RATE);
  });
});
