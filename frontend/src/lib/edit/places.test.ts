import { describe, expect, it } from "vitest";

import { columnsOf, fraction, placeName, stepFor } from "./places";

describe("the places of a bar", () => {
  it("are written as the server writes fractions", () => {
    expect([fraction(0, 4), fraction(2, 4), fraction(4, 4), fraction(6, 4), fraction(4, 6)]).toEqual(["0", "1/2", "1", "3/2", "2/3"]);
  });

  it("are sixteen 16ths in 4/4, counted 1 e & a", () => {
    const columns = columnsOf("4", 4, "1/4", []);
    expect(columns.map(({ label }) => label).join(" ")).toBe("1 e & a 2 e & a 3 e & a 4 e & a");
    expect(columns.filter(({ beat }) => beat).map(({ onset }) => onset)).toEqual(["0", "1", "2", "3"]);
  });

  it("are counted in eighths where the metre counts them", () => {
    const columns = columnsOf("3", 8, "1/4", []);
    expect(columns.filter(({ beat }) => beat).map(({ label }) => label)).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(placeName("5/4", 8).spoken).toBe("3 and");
  });

  it("hold every note, also one that the chosen grid has no place for", () => {
    const columns = columnsOf("4", 4, "1/2", ["1/3", "1/2", "15/4"]);
    expect(columns).toHaveLength(10);
    expect(columns.filter(({ odd }) => odd).map(({ onset }) => onset)).toEqual(["1/3", "15/4"]);
    expect(columns.map(({ onset }) => onset).slice(0, 4)).toEqual(["0", "1/3", "1/2", "1"]);
  });

  it("end with a pick-up where it ends", () => {
    expect(columnsOf("3/2", 4, "1/2", []).map(({ onset }) => onset)).toEqual(["0", "1/2", "1"]);
    expect(columnsOf("1", 4, "1/3", ["4"]).map(({ onset }) => onset)).toEqual(["0", "1/3", "2/3"]);
  });

  it("come on the coarsest grid that has room for all notes", () => {
    expect(stepFor(["0", "1/2", "3/4"])).toBe("1/4");
    expect(stepFor(["0", "2/3", "1"])).toBe("1/3");
    expect(stepFor(["0", "1/8"])).toBe("1/8");
    expect(stepFor(["1/6", "1/2"])).toBe("1/6");
    expect(stepFor(["1/3", "1/4"])).toBe("1/4");
  });

  it("have names that can be said", () => {
    expect(["0", "1/4", "3/2", "11/4", "7/3", "1/8"].map((onset) => placeName(onset, 4).spoken)).toEqual([
      "1",
      "1 e",
      "2 and",
      "3 a",
      "3 second triplet",
      "1 plus 1/8",
    ]);
  });
});
