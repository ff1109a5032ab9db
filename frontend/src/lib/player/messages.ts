import type { Loop } from "./clock";

/** Frames in one block of sound; short enough to answer at once, long enough to leave the page in peace. */
export const BLOCK = 8192;

/** From the page to the worker that holds the sound. Places are frames of the song. */
export type Order =
  | { type: "load"; url: string }
  /** Without a recording the blocks are empty: they keep time for drums and clicks alone. */
  | { type: "start"; run: number; url: string | null; frame: number; rate: number; loop: Loop | null }
  | { type: "more"; run: number }
  | { type: "stop" };

/** From the worker to the page. */
export type Report =
  | { type: "format"; url: string; sampleRate: number; frames: number }
  | { type: "progress"; url: string; share: number; from: number; peaks: number[]; complete: boolean }
  | { type: "block"; run: number; index: number; channels: Float32Array<ArrayBuffer>[] }
  | { type: "tick" }
  /** The sound was let go of to make room; it can be loaded again. */
  | { type: "dropped"; url: string }
  | { type: "failed"; url: string; gone: boolean };
