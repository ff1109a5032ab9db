// What can be said of a file before it is sent.
import type { Limits } from "@/lib/api/types";
import { clock, megabytes, span } from "@/lib/format";

export type Recording = { name: string; size: number };

/** Why the server would refuse this file; null if it looks fine. */
export function objection(file: Recording, seconds: number | null, limits: Limits): string | null {
  const extension = file.name.includes(".") ? file.name.split(".").at(-1)!.toLowerCase() : "";
  if (!limits.accepted_types.includes(extension)) {
    return extension
      ? `.${extension} files are not recordings that DrumScribe can read. Send MP3, WAV, FLAC, M4A or OGG.`
      : "This file's name has no ending, so its kind cannot be told. Send MP3, WAV, FLAC, M4A or OGG.";
  }
  if (file.size === 0) return "This file is empty.";
  if (file.size > limits.max_file_size_mb * 1e6) {
    return `This file has ${megabytes(file.size)}; ${limits.max_file_size_mb} MB are the limit. Saved as MP3 it will fit.`;
  }
  if (seconds !== null && seconds > limits.max_duration_seconds) {
    return `This recording lasts ${clock(seconds)}; ${span(limits.max_duration_seconds)} are the limit. Cut out the song that you want.`;
  }
  return null;
}

/** Length of a recording in seconds, if this browser can read it; null otherwise. */
export function durationOf(file: Blob): Promise<number | null> {
  return new Promise((resolve) => {
    const audio = new Audio();
    const url = URL.createObjectURL(file);
    const done = (seconds: number | null) => {
      clearTimeout(timer);
      audio.removeAttribute("src");
      URL.revokeObjectURL(url);
      resolve(seconds);
    };
    const timer = setTimeout(() => done(null), 4000);
    audio.preload = "metadata";
    audio.onloadedmetadata = () => done(Number.isFinite(audio.duration) ? audio.duration : null);
    audio.onerror = () => done(null);
    audio.src = url;
  });
}
