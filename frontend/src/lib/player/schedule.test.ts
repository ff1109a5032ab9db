import { describe, expect, it } from "vitest";

import { makeSegment } from "./clock";
import { countIn, due, dueBeats, firstFrom, loopNear, loopOverBars } from "./schedule";

const bars = [0, 1, 2, 3].map((index) => ({ index, number: index + 1, start: 0.5 + index * 2, end: 2.5 + index * 2 }));
const beats = Array.from({ length: 16 }, (_, index) => ({ time: 0.5 + index * 0.5, number: (index % 4) + 1 }));

describe("what is due", () => {
  it("finds the first event at a time, not before it", () => {
    expect(firstFrom(beats, 1)).toBe(1);
    expect(firstFrom(beats, 1.01)).toBe(2);
    expect(firstFrom(beats, 99)).toBe(16);
  });

  it("plans every event once, however the time is cut", () => {
    const segment = makeSegment(0, 0, 1, null);
    const whole = due(beats, segment, 0, 9);
    const cut = [0, 1, 2.5, 2.6, 7].flatMap((from, index, all) => due(beats, segment, from, all[index + 1] ?? 9));
    expect(cut.map(({ event }) => event)).toEqual(whole.map(({ event }) => event));
    cut.forEach(({ when }, index) => expect(when).toBeCloseTo(whole[index]?.when ?? NaN, 9));
  });

  it("plans a loop's beats again in each repetition, in step with the device", () => {
    const segment = makeSegment(10, 0.5, 0.5, { start: 0.5, end: 2.5 });
    const found = due(beats, segment, 0.5, 4.5);
    expect(found.map(({ event }) => event.number)).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
    expect(found.map(({ when }) => when)).toEqual([10, 11, 12, 13, 14, 15, 16, 17]);
  });
});

describe("beats that are due", () => {
  it("begin with the one a hair before the place, and only where a segment begins", () => {
    const beats = [1, 2, 3].map((time) => ({ time, number: 1 }));
    const heard = (position: number, from = position) =>
      dueBeats(beats, makeSegment(10, position, 1, null), from, 3.5).map(({ event, when }) => [event.time, Number(when.toFixed(3))]);
    expect(heard(2.0004)).toEqual([[2, 10], [3, 11]]);
    expect(heard(2)).toEqual([[2, 10], [3, 11]]);
    expect(heard(2.4)).toEqual([[3, 10.6]]);
    expect(heard(1, 2.0004)).toEqual([[3, 12]]); // planned before
  });
});

describe("counting in", () => {
  it("counts the beats of the bar, so that its end is the beginning", () => {
    expect(countIn(beats, bars, 2.5, 1)).toEqual([2, 1.5, 1, 0.5]);
  });

  it("counts a whole bar before a pick-up", () => {
    const pickup = [{ index: 0, number: 0, start: 2, end: 2.5 }, { index: 1, number: 1, start: 2.5, end: 4.5 }];
    expect(countIn(beats, pickup, 2, 1)).toEqual([2, 1.5, 1, 0.5]);
  });

  it("counts the bar that begins a hair after the place", () => {
    const times = [0, 0.5, 1, 1.5, 2, 2.5, 3].map((time) => ({ time, number: 1 }));
    const two = [{ index: 0, number: 1, start: 0, end: 2 }, { index: 1, number: 2, start: 2, end: 3.5 }];
    expect(countIn(times, two, 1.9996, 1)).toEqual([1.5, 1, 0.5]);
  });

  it("counts slower when the song runs slower", () => {
    expect(countIn(beats, bars, 2.5, 0.5)).toEqual([4, 3, 2, 1]);
  });
});

describe("a loop over bars", () => {
  it("spans both bars whichever was chosen first", () => {
    expect(loopOverBars(bars, 2, 1)).toEqual({ start: 2.5, end: 6.5 });
    expect(loopOverBars(bars, 1, 2)).toEqual({ start: 2.5, end: 6.5 });
  });

  it("keeps to the nearest bar lines where a revision has moved them", () => {
    const moved = bars.map((bar) => ({ ...bar, start: bar.start + 0.1, end: bar.end + 0.1 }));
    expect(loopNear(moved, { start: 2.5, end: 6.5 })).toEqual({ start: 2.6, end: 6.6 });
    expect(loopNear(moved.slice(0, 1), { start: 4.5, end: 8.5 })).toEqual({ start: 0.6, end: 2.6 });
    expect(loopNear([], { start: 4.5, end: 8.5 })).toBeNull();
  });
});
