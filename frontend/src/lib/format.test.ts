import { expect, it } from "vitest";

import { clock, megabytes, remaining, since, span, took } from "./format";

it.each([
  [0, "0:00"],
  [30, "0:30"],
  [185.4, "3:05"],
  [59.6, "1:00"],
  [3723, "1:02:03"],
])("shows a place of %d s in a song as %s", (seconds, text) => expect(clock(seconds)).toBe(text));

it.each([
  [-0.2, "0.0 s"],
  [0.44, "0.4 s"],
  [9.96, "10 s"],
  [59.7, "1 min"],
  [125, "2 min 5 s"],
  [3600, "1 h 0 min"],
])("says that something took %d s as %s", (seconds, text) => expect(took(seconds)).toBe(text));

it.each([
  [1, "1 second"],
  [90, "90 seconds"],
  [900, "15 minutes"],
  [86_400, "24 hours"],
  [2_592_000, "30 days"],
])("names a limit of %d s %s", (seconds, text) => expect(span(seconds)).toBe(text));

it.each([
  [120, "1 kB"],
  [640_000, "640 kB"],
  [1_736_978, "1.7 MB"],
  [50_000_000, "50 MB"],
])("shows %d bytes as %s", (bytes, text) => expect(megabytes(bytes)).toBe(text));

it("says how long ago something was, and from two days on which day", () => {
  const now = Date.parse("2026-11-21T13:00:00Z");
  expect(since("2026-11-21T12:59:30Z", now)).toBe("just now");
  expect(since("2026-11-21T12:10:00Z", now)).toBe("50 min ago");
  expect(since("2026-11-21T12:00:00Z", now)).toBe("1 hour ago");
  expect(since("2026-11-20T11:00:00Z", now)).toBe("yesterday");
  expect(since("2026-03-03T11:00:00Z", now)).toBe("3 March");
  expect(since("2025-03-03T11:00:00Z", now)).toBe("3 March 2025");
  expect(remaining("2026-11-21T15:00:00Z", now)).toBe("in 2 hours");
});
