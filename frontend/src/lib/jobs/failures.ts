// What a person can do about a job that failed. The server's own sentence says what happened; this says what next.
import type { JobError } from "@/lib/api/types";

export type NextStep = "another-file" | "upload-instead" | "try-again" | "operator";
export type Advice = { next: NextStep; text: string };

const ADVICE: Record<string, Advice> = {
  silent_audio: {
    next: "another-file",
    text: "Play the file on your own device: if you hear nothing there either, export it again from where it came.",
  },
  audio_too_short: { next: "another-file", text: "Send a longer piece of the song, a verse or more." },
  audio_too_long: { next: "another-file", text: "Cut the recording into songs, or send only the part that you want to learn." },
  unreadable_audio: { next: "another-file", text: "Save it as MP3, WAV or FLAC with any audio program and send that." },
  sample_rate_too_low: { next: "another-file", text: "Find a better copy: this one has lost the cymbals." },
  non_finite_audio: { next: "another-file", text: "Export the recording again; this file is damaged." },
  download_failed: {
    next: "upload-instead",
    text: "Videos are often blocked for servers. If you have the song as a file, upload that: it always works.",
  },
  unsupported_url: { next: "upload-instead", text: "Paste the address of one public video, or upload the song as a file." },
  forbidden_address: { next: "upload-instead", text: "Paste the address of a public video, or upload the song as a file." },
  youtube_disabled: { next: "upload-instead", text: "Upload the song as a file instead." },
};

/** What to do next. */
export function adviceFor(error: Pick<JobError, "code" | "retryable">): Advice {
  const known = ADVICE[error.code];
  if (known) return known;
  if (error.retryable) return { next: "try-again", text: "Nothing is wrong with your song. Send it again in a moment." };
  return { next: "operator", text: "Sending it again will not help. Tell whoever runs this server, with the code below." };
}

/** What to do about a file that will be refused again, however often it is sent; null where sending it again may help. */
export function adviceOnFile({ code }: Pick<JobError, "code">): string | null {
  const advice = ADVICE[code];
  return advice?.next === "another-file" ? advice.text : null;
}
