// @vitest-environment node
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, it } from "vitest";

import { ADVICE, DRUMS } from "./drums";
import { expected, FAMILIES, percent, readFigures, strokesOf, weakDrums } from "./figures";

const text = readFileSync(join(import.meta.dirname, "../../../../docs/accuracy.json"), "utf8");

it("reads the file that the evaluation wrote, with all that the page shows", () => {
  const { networks, recordings, generated, generated_set } = readFigures(text);
  expect(networks.length).toBeGreaterThan(0);
  for (const way of [recordings.drums_alone, recordings.full_mix]) {
    for (const share of [way.hits_5.f, way.hits_9.f, way.beat_f, way.downbeat_f, way.written_f]) expect(share).toBeGreaterThan(0.5);
    expect(DRUMS.reduce((sum, drum) => sum + strokesOf(way.drums[drum]), 0)).toBe(recordings.strokes);
  }
  for (const family of FAMILIES) {
    const groups = Object.values(generated_set.conditions[family]!);
    expect(groups.length).toBeGreaterThan(1);
    for (const { pieces, strokes, hits_5, hits_9 } of groups) {
      expect(pieces).toBeGreaterThan(0);
      expect(strokesOf(hits_9)).toBe(strokes);
      expect(hits_5.f).toBeGreaterThan(0);
    }
  }
  // The page speaks of these by name
  for (const name of ["60 bpm", "5/4", "7/4", "12/8", "swung 16ths", "all, drums", "all, mix"]) {
    const row = generated[name]!;
    for (const share of [row.beat_f, row.cmlt, row.amlt, row.metre, row.notes, row.velocity, row.hits_9]) {
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }
  }
});

it("knows no other version", () => {
  expect(() => readFigures('{"schema_version": 2}')).toThrow("another version");
  expect(() => readFigures("[]")).toThrow("another version");
});

it("says what to expect of a bar in whole strokes", () => {
  expect(expected({ f: 0.874, found: 958, missed: 159, invented: 118 }, 16)).toEqual({ right: 14, missing: 2, invented: 2 });
  expect(expected({ f: 1, found: 10, missed: 0, invented: 0 }, 16)).toEqual({ right: 16, missing: 0, invented: 0 });
  expect(percent(0.674)).toBe("67 %");
});

it("has a word of advice on every drum that is weak", () => {
  const weak = weakDrums(readFigures(text).recordings.full_mix);
  expect(weak).toContain("tom_low");
  expect(weak).not.toContain("kick");
  for (const drum of weak) expect(ADVICE[drum]).toBeTruthy();
});
