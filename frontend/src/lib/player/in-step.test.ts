// @vitest-environment node
// Fifteen minutes of play with the classes that play in the browser (Transport, Reel, Pcm, Stretcher): only the audio
// device is replaced, by one whose time is turned on by hand and which writes down what it is given and when. The
// recording has a click at every beat, the score a hit and the player a click of its own at the same times; on the
// device's line of time all three must meet, in the fifteenth minute as in the first.
import { describe, expect, it } from "vitest";

import type { Loop } from "./clock";
import type { Report } from "./messages";
import type { Output } from "./output";
import { Pcm } from "./pcm";
import { Reel } from "./reel";
import type { Source } from "./source";
import type { Song } from "./state";
import { Transport } from "./transport";

const RATE = 8000; // Hz: a low rate makes a long song short to compute, and rounds more coarsely than a real one
const MINUTES = 15;
const SPACING = 0.7503; // seconds between beats; no whole number of frames
const TICK = 0.05;

type Block = Extract<Report, { type: "block" }>;

function songOf(seconds: number): { song: Song; pcm: Pcm } {
  const times = Array.from({ length: Math.floor(seconds / SPACING) }, (_, index) => 0.5 + index * SPACING);
  const pcm = new Pcm(RATE);
  const sound = new Float32Array(Math.ceil(seconds * RATE));
  for (const time of times)
    for (let index = 0; index < 40; index++) sound[Math.round(time * RATE) + index] = 0.9 * Math.exp(-index / 8) * (index % 2 ? -1 : 1);
  pcm.append([sound, sound]);
  pcm.complete = true;
  const hits = times.map((time) => ({ time, instrument: "snare", velocity: 1 }));
  return { song: { duration: seconds, hits, beats: times.map((time) => ({ time, number: 1 })), bars: [], drums: ["snare"], tracks: { audio: "a" } }, pcm };
}

/** Plays for so long, and gives the device times of the recording's clicks, of the drums and of the player's clicks. */
async function played(song: Song, pcm: Pcm, rate: number, loop: Loop | null, seconds: number) {
  const context = { currentTime: 3, sampleRate: RATE };
  const [clicks, hits, ticks] = [[], [], []] as number[][];
  let loud = { at: -1, weight: 0, sum: 0 };
  const settle = () => loud.weight > 0.02 && clicks!.push(loud.sum / loud.weight);
  const hear = ([left]: readonly Float32Array[], when: number) =>
    left?.forEach((value, index) => {
      const at = when + index / RATE;
      if (Math.abs(value) < 0.05) return;
      if (at - loud.at > 0.15) {
        settle();
        loud = { at, weight: 0, sum: 0 };
      }
      loud = { at, weight: loud.weight + value ** 2, sum: loud.sum + at * value ** 2 };
    });
  const output = {
    context,
    latency: 0,
    clear: () => undefined,
    block: (channels: readonly Float32Array[], _: number, when: number) => hear(channels, when),
    hit: (_: string, __: number, when: number) => hits!.push(when),
    click: (_: boolean, when: number) => ticks!.push(when),
  };
  const arrived: Block[] = [];
  const reel = new Reel((block) => arrived.push(block));
  const source = {
    start: (run: number, _: string | null, frame: number, speed: number, frames: Loop | null) => reel.start(run, pcm, frame, speed, frames),
    more: (run: number) => reel.more(run),
    stop: () => reel.stop(),
  };
  const transport = new Transport(output as unknown as Output, source as unknown as Source, song, RATE);
  transport.clicks = true;
  transport.url = "a";
  transport.begin(loop?.start ?? 0, rate, loop, false);
  const end = context.currentTime + seconds;
  const cursor: [device: number, place: number][] = [];
  while (context.currentTime < end) {
    await reel.give();
    arrived.splice(0).forEach((block) => transport.take(block));
    transport.plan();
    cursor.push([context.currentTime, transport.heard() ?? NaN]);
    context.currentTime += TICK;
  }
  settle();
  return { clicks: clicks!, hits: hits!, ticks: ticks!, cursor };
}

const nearest = (times: readonly number[], time: number) => times.reduce((best, each) => (Math.abs(each - time) < Math.abs(best - time) ? each : best), Infinity);

describe(`${MINUTES} minutes in step`, () => {
  const seconds = MINUTES * 60;
  const { song, pcm } = songOf(seconds * 1.5);
  it.each([
    [1, null],
    [0.25, null],
    [0.5, null],
    [1.5, null],
    [1, { start: 61.37, end: 69.881 }],
    [0.75, { start: 61.37, end: 69.881 }],
  ] as const)("keeps recording, drums, click and cursor together at speed %f with loop %o", async (rate, loop) => {
    const { clicks, hits, ticks, cursor } = await played(song, pcm, rate, loop, seconds);
    expect(hits.length).toBeGreaterThan((seconds / SPACING) * rate * 0.95);
    expect(ticks).toEqual(hits);
    const middle = 0.0008; // a click's energy lies a little behind its beginning
    const settled = clicks.filter((time) => time > 4 && time < 3 + seconds - 2);
    const errors = settled.map((time) => (time - middle / rate - nearest(hits, time)) * 1000);
    expect(settled.length).toBeGreaterThan((seconds / SPACING) * rate * 0.85);
    const half = Math.floor(errors.length / 2);
    const mean = (part: number[]) => part.reduce((sum, error) => sum + error, 0) / part.length;
    const worst = Math.max(...errors.map(Math.abs));
    const drift = mean(errors.slice(half)) - mean(errors.slice(0, half));
    console.log(`speed ${rate}${loop ? ", loop" : ""}: worst ${worst.toFixed(1)} ms, drift ${drift.toFixed(2)} ms over ${settled.length} clicks`);
    expect(worst).toBeLessThan(20);
    expect(Math.abs(drift)).toBeLessThan(1);
    // The cursor is where the drums are: at a hit's device time it stands at the hit's place.
    const places = song.hits.map((hit) => hit.time);
    for (const when of hits.filter((_, index) => index % 50 === 49)) {
      const sample = cursor[Math.round((when - 3) / TICK)];
      if (!sample) continue;
      const place = sample[1] + (when - sample[0]) * rate;
      if (loop && (place < loop.start + 0.1 || place > loop.end - 0.1)) continue;
      expect(Math.abs(place - nearest(places, place))).toBeLessThan(0.001);
    }
  }, 120_000);
});
