// What is known of a job from its events: kept by a reducer, so that it can be said in tests what follows from what.
import type { Job, JobEvent } from "@/lib/api/types";

export type Link = "connecting" | "live" | "polling" | "ended";
export type Stream = { events: JobEvent[]; link: Link; failures: number };
export type StreamAction = { type: "opened" } | { type: "event"; event: JobEvent } | { type: "lost"; closed: boolean } | { type: "ended" };

export const EMPTY_STREAM: Stream = { events: [], link: "connecting", failures: 0 };

/** So many broken connections in a row, and the page asks again and again instead. */
export const PATIENCE = 2;

export function streamReducer(state: Stream, action: StreamAction): Stream {
  switch (action.type) {
    case "opened":
      return { ...state, link: "live", failures: 0 };
    case "event": {
      const known = state.events.at(-1)?.seq ?? 0;
      if (action.event.seq <= known) return state; // sent again after a broken connection
      return { ...state, events: [...state.events, action.event] };
    }
    case "lost": {
      const failures = state.failures + 1;
      return { ...state, failures, link: action.closed || failures >= PATIENCE ? "polling" : "connecting" };
    }
    case "ended":
      return { ...state, link: "ended" };
  }
}

/** Whether an event says something that a job, as it was last asked for, does not know yet. */
export function isNews(event: JobEvent, job: Pick<Job, "updated_at" | "revision">): boolean {
  return (event.data.revision ?? 0) >= job.revision && Date.parse(event.created_at) >= Date.parse(job.updated_at);
}

/** The event in a message of the stream; null if it is none of ours. */
export function readEvent(data: string): JobEvent | null {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value !== "object" || value === null) return null;
    return "seq" in value && "data" in value && "created_at" in value ? (value as JobEvent) : null;
  } catch {
    return null;
  }
}
