import { describe, expect, it } from "vitest";

import { scrollFor } from "./follow";

const bar = (y: number, index = 0) => ({ index, x: 0, y, width: 100, height: 140, stops: [] });
const [first, second, third] = [bar(0), bar(160), bar(320)];

describe("reading ahead", () => {
  it("rests while this line and the next are seen", () => {
    expect(scrollFor(first, first, second, { top: 0, bottom: 600 })).toBe(0);
    expect(scrollFor(second, second, third, { top: 0, bottom: 600 })).toBe(0);
  });

  it("brings the line that is played to the top when the next one is not seen whole", () => {
    expect(scrollFor(second, second, third, { top: 0, bottom: 400 })).toBe(148);
  });

  it("goes back up to a line above", () => {
    expect(scrollFor(first, first, second, { top: 300, bottom: 800 })).toBe(-312);
  });

  it("turns to the next line with the last bar of this one where two do not fit", () => {
    const seen = { top: 0, bottom: 200 };
    expect(scrollFor(first, first, second, seen)).toBe(0);
    const turned = scrollFor(first, second, second, seen);
    expect(turned).toBeGreaterThan(0);
    expect(second.y).toBeGreaterThanOrEqual(turned);
    expect(second.y + second.height).toBeLessThanOrEqual(200 + turned);
  });

  it("rests on the last line", () => {
    expect(scrollFor(third, undefined, undefined, { top: 300, bottom: 600 })).toBe(0);
  });
});
