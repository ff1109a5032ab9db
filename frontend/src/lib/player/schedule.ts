import type { BarTime } from "@/lib/score/score";
import { barAt } from "@/lib/score/score";
import type { Loop, Segment } from "./clock";
import { deviceTimeOf, pieces } from "./clock";

/** Anything that sounds at one moment of the song. */
export interface Timed {
  time: number;
}

export interface Hit extends Timed {
  instrument: string;
  velocity: number;
  confidence?: number | null;
}

export interface Beat extends Timed {
  number: number;
}

/** Index of the first event at or after a time; events are in order. */
export function firstFrom(events: readonly Timed[], time: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle]?.time ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Events between two unrolled places with the device time of each, a loop's repetitions included. */
export function due<T extends Timed>(
  events: readonly T[],
  segment: Segment,
  from: number,
  to: number,
): { event: T; when: number }[] {
  return pieces(from, to, segment.loop).flatMap((piece) => {
    const found: { event: T; when: number }[] = [];
    for (let index = firstFrom(events, piece.from); index < events.length; index++) {
      const event = events[index];
      if (!event || event.time >= piece.to) break;
      found.push({ event, when: deviceTimeOf(segment, piece.unrolled + event.time - piece.from) });
    }
    return found;
  });
}

const HAIR = 0.01; // seconds by which a beat, or a place that was sought, may lie before the bar line that it is

/** As `due`; and where a segment begins, the beat that lies a hair before: bar lines and beats are not the same to the bit. */
export function dueBeats(beats: readonly Beat[], segment: Segment, from: number, to: number): { event: Beat; when: number }[] {
  const before = from === segment.position ? beats[firstFrom(beats, from) - 1] : undefined;
  const begun = before && before.time >= from - HAIR ? [{ event: before, when: segment.at }] : [];
  return [...begun, ...due(beats, segment, from, to)];
}

/**
 * The beats of the bar at a place, as waits before that place: one whole bar is counted at the song's speed. Before a
 * pick-up the bar after it is counted, which is a whole one.
 */
export function countIn(beats: readonly Beat[], bars: readonly BarTime[], place: number, rate: number): number[] {
  const inside = (bar: BarTime) => beats.filter((beat) => beat.time >= bar.start - 0.05 && beat.time < bar.end - 0.05);
  const index = barAt(bars, place + HAIR);
  const [own, next] = [bars[index], bars[index + 1]];
  if (!own) return [];
  const bar = index === 0 && next && inside(next).length > inside(own).length ? next : own;
  return inside(bar).map((beat) => (bar.end - Math.max(beat.time, bar.start)) / rate);
}

/** Loop over whole bars, both ends included, whichever end was chosen first. */
export function loopOverBars(bars: readonly BarTime[], one: number, other: number): { start: number; end: number } | null {
  const first = bars[Math.min(one, other)];
  const last = bars[Math.max(one, other)];
  return first && last ? { start: first.start, end: last.end } : null;
}

/** The loop whose ends are the bar lines nearest to another's: where bars have moved a little, it moves along. */
export function loopNear(bars: readonly BarTime[], loop: Loop): Loop | null {
  const nearest = (time: number, line: (bar: BarTime) => number) =>
    bars.reduce((best, bar, index) => (Math.abs(line(bar) - time) < Math.abs(line(bars[best] ?? bar) - time) ? index : best), 0);
  const first = nearest(loop.start, (bar) => bar.start);
  return loopOverBars(bars, first, Math.max(first, nearest(loop.end, (bar) => bar.end)));
}
