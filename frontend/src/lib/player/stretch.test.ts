// @vitest-environment node
import { describe, expect, it } from "vitest";

import { Pcm } from "./pcm";
import { Stretcher } from "./stretch";

const RATE = 44100;

/** A song of clicks, one every half second, over a quiet tone. */
function clicks(seconds: number): Pcm {
  const pcm = new Pcm(RATE);
  const sound = new Float32Array(seconds * RATE);
  for (let at = RATE / 2; at < sound.length; at += RATE / 2)
    for (let index = 0; index < 200; index++) sound[at + index] = 0.9 * Math.exp(-index / 40) * (index % 2 ? -1 : 1);
  pcm.append([sound, sound]);
  pcm.complete = true;
  return pcm;
}

/** Where the energy of one click lies, as the middle of its energy around the loudest sample. */
function centre(sound: Float32Array, from: number, to: number): number {
  let weight = 0;
  let sum = 0;
  for (let index = Math.max(0, Math.round(from)); index < Math.min(sound.length, to); index++) {
    const energy = (sound[index] ?? 0) ** 2;
    weight += energy;
    sum += energy * index;
  }
  return sum / weight;
}

describe("slower and faster without drifting", () => {
  it.each([0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 1.5])("sounds within 10 ms of where the clock says at %f", async (rate) => {
    const pcm = clicks(20);
    const stretcher = await Stretcher.load(RATE);
    stretcher.start(pcm, RATE / 4, rate, null);
    const blocks = Array.from({ length: 60 }, () => stretcher.next(pcm, 8192, null)[0] as Float32Array);
    const sound = new Float32Array(blocks.length * 8192);
    blocks.forEach((block, index) => sound.set(block, index * 8192));
    const errors: number[] = [];
    for (let song = 0.5; song < 19.5; song += 0.5) {
      const expected = ((song - 0.25) / rate) * RATE;
      if (expected + RATE / 5 > sound.length) break;
      const half = (0.2 / rate) * RATE;
      errors.push(((centre(sound, expected - half, expected + half) - expected) / RATE) * 1000);
    }
    expect(errors.length).toBeGreaterThan(4);
    const worst = Math.max(...errors.map(Math.abs));
    expect(worst).toBeLessThan(10);
  }, 60_000);
});
