// What is said before anything is sent, and what is made of the form.
import { expect, it } from "vitest";

import type { Limits } from "@/lib/api/types";

import { adviceFor } from "./failures";
import { readLink } from "./link";
import { readOptions } from "./options";
import { objection } from "./recording";

const LIMITS = { max_file_size_mb: 50, max_duration_seconds: 900, accepted_types: ["mp3", "wav"] } as Limits;

it.each([
  ["song.MP3", 3_000_000, 200, null],
  ["song.mp3", 50_000_000, 900, null],
  ["song.mp3", 3_000_000, null, null],
  ["song.mp3", 50_000_001, 200, /50 MB are the limit/],
  ["song.mp3", 3_000_000, 901, /15 minutes are the limit/],
  ["song.mp3", 0, null, /empty/],
  ["song.docx", 3_000_000, null, /\.docx files/],
  ["song", 3_000_000, null, /no ending/],
])("%s of %d bytes and %s s is judged as the server will", (name, size, seconds, answer) => {
  const said = objection({ name, size }, seconds, LIMITS);
  if (answer === null) expect(said).toBeNull();
  else expect(said).toMatch(answer);
});

it.each([
  "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
  "http://youtube.com/watch?v=dQw4w9WgXcQ&t=30",
  "youtu.be/dQw4w9WgXcQ",
  "  https://music.youtube.com/watch?v=dQw4w9WgXcQ ",
  "https://m.youtube.com/shorts/dQw4w9WgXcQ",
])("%s is taken for a video", (typed) => expect(readLink(typed)).toHaveProperty("url"));

it.each([
  "",
  "a song",
  "https://vimeo.com/1",
  "https://youtube.com.evil.example/watch?v=1",
  "https://notyoutube.com/watch?v=1",
  "https://www.youtube.com/@channel",
  "https://www.youtube.com/watch",
  "javascript:alert(1)",
])("%s is not", (typed) => expect(readLink(typed)).toHaveProperty("objection"));

it("sends only those options that were changed", () => {
  const form = new FormData();
  for (const [name, value] of [["title", "  "], ["bpm", ""], ["voices", "1"], ["sensitivity", "-2"], ["separation", "light"], ["paper", "papyrus"]]) {
    form.set(name!, value!);
  }
  expect(readOptions(form)).toEqual({ voices: 1, sensitivity: -2, separation: "light" });
});

it("always knows what to do next", () => {
  expect(adviceFor({ code: "download_failed", retryable: true }).next).toBe("upload-instead");
  expect(adviceFor({ code: "storage_full", retryable: true }).next).toBe("try-again");
  expect(adviceFor({ code: "never_heard_of", retryable: false }).next).toBe("operator");
});
