// What really leaves the player, measured: a tap on the last node before the audio device writes down every sample with
// the device's own frame number (an AudioWorklet runs on the audio thread, so a busy page cannot falsify it). The songs
// of these tests have a short click on the left channel at the time of every hit and nothing on the right one; the
// written drums are mono. So right is the drums alone, and left minus right the recording alone: how far the two are
// apart can be read from one recording, to the sample. The cursor is read in every frame that the page draws, together
// with the device's time.
import { expect, type Page } from "@playwright/test";

import { wav } from "./recordings";

const PROCESSOR = `registerProcessor("tap", class extends AudioWorkletProcessor {
  process([[left, right]]) {
    if (left) this.port.postMessage([currentFrame, left.slice(), (right ?? left).slice()]);
    return true;
  }
});`;

/** Remembers the player's audio context and what it connects to the device. */
export async function prepare(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const kept = window as unknown as { last: AudioNode };
    const connect = AudioNode.prototype.connect as (...to: unknown[]) => AudioNode;
    AudioNode.prototype.connect = function (this: AudioNode, ...to: unknown[]) {
      if (to[0] instanceof AudioDestinationNode && this.context instanceof AudioContext && !(this instanceof AudioWorkletNode)) kept.last = this;
      return connect.apply(this, to);
    } as typeof AudioNode.prototype.connect;
  });
}

export interface Heard {
  /** Device times, in seconds, at which a drum begins on the right channel. */
  drums: number[];
  /** Device times of the middle of each click's energy in the recording. */
  clicks: number[];
  /** In each frame that was drawn: device time less the device's delay, and the place that the cursor shows. */
  cursor: [number, number][];
}

/** Listens for so many seconds of the device's time, and says when what was heard. */
export async function listen(page: Page, seconds: number): Promise<Heard> {
  return page.evaluate(
    async ([code, length]) => {
      const { last } = window as unknown as { last: AudioNode };
      const context = last.context as AudioContext;
      // Once for each context: a second module of that name would be refused.
      const known = context as AudioContext & { tapped?: Promise<void> };
      await (known.tapped ??= context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], { type: "text/javascript" }))));
      const tap = new AudioWorkletNode(context, "tap");
      const rate = context.sampleRate;
      const first = Math.round(context.currentTime * rate);
      const total = Math.round(length * rate);
      const [left, right] = [new Float32Array(total), new Float32Array(total)];
      const cursor: [number, number][] = [];
      const line = document.querySelector<HTMLElement>('[data-testid="cursor"]')!;
      let watching = true;
      const watch = () => {
        const delay = context.outputLatency || context.baseLatency || 0;
        cursor.push([context.currentTime - delay, Number(line.dataset.place)]);
        if (watching) requestAnimationFrame(watch);
      };
      requestAnimationFrame(watch);
      await new Promise<void>((resolve) => {
        tap.port.onmessage = ({ data: [frame, l, r] }: MessageEvent<[number, Float32Array, Float32Array]>) => {
          const at = frame - first;
          if (at >= 0 && at + l.length <= total) {
            left.set(l, at);
            right.set(r, at);
          } else if (at > 0) resolve();
        };
        last.connect(tap).connect(context.destination);
      });
      watching = false;
      last.disconnect(tap);
      tap.disconnect();
      const loudest = right.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const drums: number[] = [];
      for (let at = 0, quietSince = 0; at < total; at++) {
        if (Math.abs(right[at]!) < loudest * 0.08) continue;
        if (loudest > 0.01 && at - quietSince > rate * 0.12 && at > rate * 0.12) drums.push((first + at) / rate);
        quietSince = at;
      }
      const clicks: number[] = [];
      let burst = { end: -rate, weight: 0, sum: 0 };
      const peak = left.reduce((most, value, at) => Math.max(most, Math.abs(value - right[at]!)), 0);
      for (let at = 0; at < total; at++) {
        const value = left[at]! - right[at]!;
        if (Math.abs(value) < peak * 0.06) continue;
        if (at - burst.end > rate * 0.2) {
          if (burst.weight) clicks.push(burst.sum / burst.weight);
          burst = { end: at, weight: 0, sum: 0 };
        }
        burst = { end: at, weight: burst.weight + value ** 2, sum: burst.sum + ((first + at) / rate) * value ** 2 };
      }
      if (peak < 0.01) clicks.length = 0;
      return { drums, clicks, cursor };
    },
    [PROCESSOR, seconds] as const,
  );
}

export const RATE = 44_100;
const DECAY = 0.001; // seconds in which a click falls to a third

/**
 * A recording with a click at each of these times, on the left alone. With a tail the service hears drums in it; the tail
 * is softer than what `listen` takes for a click.
 */
export function clicksAt(times: readonly number[], seconds: number, tail = 0): Buffer {
  const noise = (since: number) => tail && tail * Math.exp(-since / 0.06) * (((Math.sin(since * 78_233) * 43_758.5453) % 1) - 0.5) * 2;
  const click = (since: number) => (since < 0 || since > 0.5 ? 0 : 0.9 * Math.exp(-since / DECAY) * Math.cos(since * 2 * Math.PI * 3000) + noise(since));
  let next = 0;
  const { buffer: mono } = wav("clicks.wav", seconds, (second) => {
    while (times[next + 1] !== undefined && times[next + 1]! <= second) next += 1;
    return click(second - (times[next] ?? Infinity));
  }, RATE);
  const stereo = Buffer.alloc(44 + (mono.length - 44) * 2);
  mono.copy(stereo, 0, 0, 44);
  stereo.writeUInt32LE(stereo.length - 8, 4);
  stereo.writeUInt16LE(2, 22);
  stereo.writeUInt32LE(RATE * 4, 28);
  stereo.writeUInt16LE(4, 32);
  stereo.writeUInt32LE(stereo.length - 44, 40);
  for (let at = 44; at < mono.length; at += 2) mono.copy(stereo, 44 + (at - 44) * 2, at, at + 2);
  return stereo;
}

/** How far apart, in milliseconds, the drums are from the recording, and the cursor from the drums. */
export function errors({ drums, clicks, cursor }: Heard, times: readonly number[], rate: number) {
  const nearest = (all: readonly number[], one: number) => all.reduce((best, each) => (Math.abs(each - one) < Math.abs(best - one) ? each : best), Infinity);
  const [from, to] = [(cursor[0]?.[0] ?? 0) + 0.4, (cursor.at(-1)?.[0] ?? 0) - 0.4];
  // At a loop's seam a stroke may be cut in two: what is left of its sound then has no partner
  const seams = cursor.flatMap(([time, place], at) => (place < (cursor[at - 1]?.[1] ?? 0) - 0.1 ? [time] : []));
  const whole = clicks.filter((click) => click > from && click < to && seams.every((seam) => Math.abs(click - seam) > 0.1));
  const pairs = whole.map((click) => (click - DECAY / 2 / rate - nearest(drums, click)) * 1000);
  expect(pairs.length).toBeGreaterThan(1);
  const shown = drums.flatMap((drum) => {
    const after = cursor.findIndex(([time]) => time > drum);
    const [one, other] = [cursor[after - 1], cursor[after]];
    // A loop's jump, or a place where the page drew nothing for long, cannot be read between two frames.
    if (!one || !other || other[1] < one[1] || other[0] - one[0] > 0.1) return [];
    const place = one[1] + ((drum - one[0]) / (other[0] - one[0])) * (other[1] - one[1]);
    return [((place - nearest(times, place)) / rate) * 1000];
  });
  return { recording: pairs, cursor: shown };
}

export const worst = (all: readonly number[]) => Math.max(...all.map(Math.abs));
