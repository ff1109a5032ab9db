// Recordings that are made for a test.
import { join } from "node:path";

export const DEMO = join(import.meta.dirname, "../../demo/demo.flac");

type Made = { name: string; mimeType: string; buffer: Buffer };

/** A WAV file, 16 bits, one channel; `sample` gives -1 to 1. */
export function wav(name: string, seconds: number, sample: (second: number) => number, rate = 22_050): Made {
  const count = Math.round(seconds * rate);
  const buffer = Buffer.alloc(44 + count * 2);
  buffer.write("RIFF", 0);
  buffer.writeUInt32LE(36 + count * 2, 4);
  buffer.write("WAVEfmt ", 8);
  buffer.writeUInt32LE(16, 16);
  buffer.writeUInt16LE(1, 20);
  buffer.writeUInt16LE(1, 22);
  buffer.writeUInt32LE(rate, 24);
  buffer.writeUInt32LE(rate * 2, 28);
  buffer.writeUInt16LE(2, 32);
  buffer.writeUInt16LE(16, 34);
  buffer.write("data", 36);
  buffer.writeUInt32LE(count * 2, 40);
  for (let at = 0; at < count; at++) buffer.writeInt16LE(Math.round(sample(at / rate) * 32_000), 44 + at * 2);
  return { name, mimeType: "audio/wav", buffer };
}

const beating = (name: string, seconds: number): Made =>
  wav(name, seconds, (second) => Math.exp(-20 * (second % 0.5)) * Math.sin(second * 700 * (1 + (second % 0.5))));

/** Long enough to be stopped on the way. */
export const long = (): Made => beating("Ten minutes.wav", 600);

/** Long enough for a page to be seen at work, however fast the machine, and short enough to wait for its end. */
export const seen = (): Made => beating("Four minutes.wav", 240);

export const silent = (): Made => wav("Silence.wav", 5, () => 0);
