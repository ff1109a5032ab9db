import { describe, expect, it } from "vitest";

import type { JobEvent } from "@/lib/api/types";

import { EMPTY_STREAM, isNews, PATIENCE, readEvent, streamReducer, type StreamAction } from "./stream";

const event = (seq: number): JobEvent => ({
  seq,
  type: "progress",
  data: { status: "predicting", progress: seq, stage: "listen", revision: 0 },
  created_at: "2026-11-21T13:00:00Z",
});

const after = (...actions: StreamAction[]) => actions.reduce(streamReducer, EMPTY_STREAM);

describe("what is known from a stream of events", () => {
  it("keeps each event once, although a new connection tells them all again", () => {
    const stream = after(...[1, 2, 3, 1, 2, 3, 4].map((seq): StreamAction => ({ type: "event", event: event(seq) })));
    expect(stream.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  });

  it("waits for a broken connection to come back, and polls when it keeps breaking", () => {
    expect(after({ type: "opened" }, { type: "lost", closed: false }).link).toBe("connecting");
    expect(after(...Array.from({ length: PATIENCE }, (): StreamAction => ({ type: "lost", closed: false }))).link).toBe("polling");
  });

  it("polls at once when the browser has given the connection up", () => {
    expect(after({ type: "lost", closed: true }).link).toBe("polling");
  });

  it("is live again as soon as a connection holds", () => {
    const stream = after({ type: "lost", closed: true }, { type: "opened" });
    expect(stream).toMatchObject({ link: "live", failures: 0 });
  });

  it("makes nothing of a message that is no event", () => {
    expect(readEvent("not json")).toBeNull();
    expect(readEvent("null")).toBeNull();
    expect(readEvent('{"type":"ping"}')).toBeNull();
    expect(readEvent(JSON.stringify(event(7)))?.seq).toBe(7);
  });
});

describe("an event", () => {
  const job = { updated_at: "2026-11-21T13:00:00Z", revision: 1 };
  const told = (created_at: string, revision: number): JobEvent => ({ ...event(9), created_at, data: { ...event(9).data, revision } });

  it("is history where the job was asked for after it, or is a version further", () => {
    expect(isNews(told("2026-11-21T13:00:00Z", 1), job)).toBe(true);
    expect(isNews(told("2026-11-21T13:00:05Z", 2), job)).toBe(true);
    expect(isNews(told("2026-11-21T12:59:59Z", 1), job)).toBe(false);
    expect(isNews(told("2026-11-21T13:00:05Z", 0), job)).toBe(false);
  });
});
