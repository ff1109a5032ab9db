import type { Loop } from "./clock";
import { pieces } from "./clock";

const CHUNK = 1 << 18; // frames in one piece of storage, about six seconds
const SEAM = 192; // frames over which the end of a loop fades into its beginning
const FULL = 32767;
export const PEAKS_PER_SECOND = 50;

/** Decoded sound of one track as 16-bit samples: half the memory of floats, and lossless for what the service stores. */
export class Pcm {
  available = 0;
  complete = false;
  readonly peaks: number[] = [];
  private readonly chunks: Int16Array[][] = [];
  private peak = 0;

  constructor(readonly sampleRate: number) {}

  get bytes(): number {
    return this.chunks.length * CHUNK * 4;
  }

  append(channels: readonly Float32Array[]): void {
    const left = channels[0];
    if (!left) return;
    const right = channels[1] ?? left;
    const hop = Math.round(this.sampleRate / PEAKS_PER_SECOND);
    for (let index = 0; index < left.length; index++) {
      const place = this.available % CHUNK;
      if (place === 0) this.chunks.push([new Int16Array(CHUNK), new Int16Array(CHUNK)]);
      const chunk = this.chunks[this.chunks.length - 1] as [Int16Array, Int16Array];
      const l = left[index] as number;
      const r = right[index] as number;
      chunk[0][place] = Math.max(-1, Math.min(1, l)) * FULL;
      chunk[1][place] = Math.max(-1, Math.min(1, r)) * FULL;
      this.peak = Math.max(this.peak, Math.abs(l), Math.abs(r));
      this.available += 1;
      if (this.available % hop === 0) {
        this.peaks.push(this.peak);
        this.peak = 0;
      }
    }
  }

  /** Adds `frames` samples from `from` to the target; silence outside the song. */
  private mix(target: Float32Array[], offset: number, from: number, frames: number, gain: (index: number) => number): void {
    for (let index = Math.max(0, -from); index < frames; index++) {
      const frame = from + index;
      if (frame >= this.available) return;
      const chunk = this.chunks[Math.floor(frame / CHUNK)];
      const level = gain(index) / FULL;
      target.forEach((channel, side) => {
        channel[offset + index] = (channel[offset + index] ?? 0) + (chunk?.[side]?.[frame % CHUNK] ?? 0) * level;
      });
    }
  }

  /** Sound of an unrolled range of frames: through a loop's repetitions, with a short cross-fade at each seam. */
  read(from: number, frames: number, loop: Loop | null): Float32Array[] {
    const target = [new Float32Array(frames), new Float32Array(frames)];
    for (const piece of pieces(from, from + frames, loop)) {
      const start = Math.round(piece.from);
      const offset = Math.round(piece.unrolled - from);
      const length = Math.round(piece.to) - start;
      this.mix(target, offset, start, length, () => 1);
      if (loop && piece.unrolled >= loop.end) {
        const since = start - loop.start;
        if (since < SEAM) this.mix(target, offset, loop.end + since, Math.min(SEAM - since, length), (i) => 1 - (since + i) / SEAM);
      }
    }
    return target;
  }
}
