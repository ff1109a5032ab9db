import { describe, expect, it } from "vitest";

import { Pcm } from "./pcm";

function ramp(frames: number): Pcm {
  const pcm = new Pcm(1000);
  const sound = Float32Array.from({ length: frames }, (_, index) => index / frames);
  // In uneven parts, as a download brings them.
  for (let from = 0; from < frames; from += 7777) pcm.append([sound.subarray(from, from + 7777)]);
  return pcm;
}

describe("stored sound", () => {
  it("comes back to the last bit of 16, across pieces of storage", () => {
    const frames = 600_000;
    const [left] = ramp(frames).read(262_000, 400, null);
    left?.forEach((value, index) => expect(Math.abs(value - (262_000 + index) / frames)).toBeLessThan(1 / 32767));
  });

  it("is silent before the song and after it", () => {
    const [left] = ramp(1000).read(-5, 10, null);
    expect([...(left ?? [])].slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
    expect(ramp(1000).read(2000, 3, null)[0]).toEqual(new Float32Array(3));
  });

  it("jumps back at the end of a loop exactly, and fades the old sound into the new", () => {
    const loop = { start: 10_000, end: 20_000 };
    const [left] = ramp(50_000).read(19_999, 1000, loop);
    expect(left?.[0]).toBeCloseTo(19_999 / 50_000, 3);
    expect(left?.[1]).toBeCloseTo(10_000 / 50_000 + 20_000 / 50_000, 3);
    expect(left?.[500]).toBeCloseTo(10_499 / 50_000, 3);
  });
});
