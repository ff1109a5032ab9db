import { describe, expect, it } from "vitest";

import { slicesOf } from "./slices";

const FIRST = "<attributes><divisions>4</divisions><time><beats>4</beats><beat-type>4</beat-type></time><clef><sign>percussion</sign></clef></attributes>";

function score(bars: string[], pickup = false): string {
  const measures = bars.map((inside, index) => `<measure number="${index + 1}"${pickup && index === 0 ? ' implicit="yes"' : ""}>${inside}<note/></measure>`);
  return `<?xml version="1.0"?><score-partwise><credit/><part-list/><part id="P1">${measures.join("")}</part></score-partwise>`;
}

const plain = (count: number) => [FIRST, ...Array<string>(count - 1).fill("")];
const shape = (slices: ReturnType<typeof slicesOf>) => slices.map(({ first, bars, pickup }) => [first, bars, pickup]);
const letter = "<direction><direction-type><rehearsal>B</rehearsal></direction-type></direction>";

describe("cutting a score into phrases", () => {
  it("begins a slice after every eight bars, and the rest is the last one", () => {
    expect(shape(slicesOf(score(plain(20))))).toEqual([[0, 8, 0], [8, 8, 0], [16, 4, 0]]);
  });

  it("begins a slice with every section, and counts from there", () => {
    const bars = plain(15);
    bars[5] = letter;
    expect(shape(slicesOf(score(bars)))).toEqual([[0, 5, 0], [5, 8, 0], [13, 2, 0]]);
  });

  it("takes a pick-up along without counting it", () => {
    expect(shape(slicesOf(score(plain(10), true)))).toEqual([[0, 9, 1], [9, 1, 0]]);
  });

  it("repeats what is in force, with the metre out of sight", () => {
    const bars = plain(9);
    bars[3] = "<attributes><time><beats>6</beats><beat-type>8</beat-type></time></attributes>";
    const second = slicesOf(score(bars))[1]?.musicxml ?? "";
    expect(second).toMatch(/<divisions>4<\/divisions><time print-object="no"><beats>6<\/beats>.*<clef>/);
    expect(second).not.toContain("<credit");
  });

  it("shows a metre that begins with the slice", () => {
    const bars = plain(9);
    bars[8] = "<print new-system='yes'/><attributes><time><beats>3</beats><beat-type>4</beat-type></time></attributes>";
    const second = slicesOf(score(bars))[1]?.musicxml ?? "";
    expect(second).toMatch(/<attributes><divisions>4<\/divisions><time><beats>3<\/beats>.*<clef>/);
  });

  it("leaves the other slices as they were when a bar changes", () => {
    const changed = plain(20);
    changed[9] = "<note><rest/></note>";
    const before = slicesOf(score(plain(20)));
    expect(slicesOf(score(changed)).map((slice, index) => slice.musicxml === before[index]?.musicxml)).toEqual([true, false, true]);
  });

  it("says so where there is no score", () => {
    expect(() => slicesOf("<html/>")).toThrow("no part");
  });
});
