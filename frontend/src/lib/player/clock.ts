/**
 * One clock for everything that is seen and heard. The audio device's time (AudioContext.currentTime) is the only
 * source; a segment says which place of the song sounds at which device time and how fast the song runs from there.
 * Places are unrolled: they grow through a loop's repetitions and are folded back to the song only when read.
 */
export interface Loop {
  start: number;
  end: number;
}

export interface Segment {
  /** Device time at which the segment begins. */
  at: number;
  /** Place of the song at that moment. */
  position: number;
  /** Seconds of song per second of device time. */
  rate: number;
  /** Null also when the segment began behind the loop's end. */
  loop: Loop | null;
}

/** A stretch of song without a jump in it, and where it lies on the unrolled line. */
export interface Piece {
  from: number;
  to: number;
  unrolled: number;
}

export const SLOWEST = 0.25;
export const FASTEST = 1.5;

/** Speeds come in steps of five per cent between 25 % and 150 %. */
export function clampRate(rate: number): number {
  return Math.min(FASTEST, Math.max(SLOWEST, Math.round(rate * 20) / 20));
}

export function makeSegment(at: number, position: number, rate: number, loop: Loop | null): Segment {
  return { at, position, rate, loop: loop && loop.end > loop.start && position < loop.end ? loop : null };
}

/** Unrolled place at a device time; it rests at the segment's start until the segment begins. */
export function unrolledAt(segment: Segment, deviceTime: number): number {
  return segment.position + Math.max(0, deviceTime - segment.at) * segment.rate;
}

/** Device time at which an unrolled place sounds. */
export function deviceTimeOf(segment: Segment, unrolled: number): number {
  return segment.at + (unrolled - segment.position) / segment.rate;
}

/** Place in the song of an unrolled place. */
export function fold(unrolled: number, loop: Loop | null): number {
  if (!loop || unrolled < loop.end) return unrolled;
  return loop.start + ((unrolled - loop.start) % (loop.end - loop.start));
}

/** Place in the song at a device time. */
export function songTimeAt(segment: Segment, deviceTime: number): number {
  return fold(unrolledAt(segment, deviceTime), segment.loop);
}

/** The pieces of song between two unrolled places, cut where a loop jumps back. */
export function pieces(from: number, to: number, loop: Loop | null): Piece[] {
  const found: Piece[] = [];
  let unrolled = from;
  while (unrolled < to) {
    const start = fold(unrolled, loop);
    const length = Math.min(to - unrolled, loop ? loop.end - start : Infinity);
    // A rest smaller than a nanosecond is what rounding left of a loop's end: step over it, never stand still.
    if (length > 1e-9) found.push({ from: start, to: start + length, unrolled });
    unrolled += Math.max(length, 1e-9);
  }
  return found;
}
