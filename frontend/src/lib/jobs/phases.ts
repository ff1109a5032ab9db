// What happens to a song, in the order in which it happens, and when each part of it began and ended.
import type { JobEvent, JobStatus } from "@/lib/api/types";

export const PHASES = ["wait", "read", "separate", "listen", "beats", "write"] as const;
export type Phase = (typeof PHASES)[number];

export const PHASE_NAMES: Record<Phase, string> = {
  wait: "Waiting for its turn",
  read: "Reading the recording",
  separate: "Isolating the drums",
  listen: "Listening for every stroke",
  beats: "Finding the beat and the bars",
  write: "Writing the score",
};

const FINAL: readonly JobStatus[] = ["completed", "failed", "cancelled", "expired"];

export const isFinal = (status: JobStatus): boolean => FINAL.includes(status);

/** Which phase a job is in; null after its end. */
export function phaseOf(status: JobStatus, stage: string | null | undefined): Phase | null {
  switch (status) {
    case "queued":
      return "wait";
    case "processing":
      return "read";
    case "separating_drums":
      return "separate";
    case "predicting":
      return stage === "beats" ? "beats" : "listen";
    case "transcribing":
      return "write";
    default:
      return null;
  }
}

export type Times = Partial<Record<Phase, { begun: number; ended: number | null }>>;

/** When each phase began and ended, in ms since 1970. Work that was taken up again counts from the last time. */
export function timesOf(events: readonly JobEvent[]): Times {
  const times: Times = {};
  let running: Phase | null = null;
  for (const event of events) {
    const at = Date.parse(event.created_at);
    const phase = phaseOf(event.data.status, event.data.stage);
    if (phase === running && phase !== null) continue;
    const before = running && times[running];
    if (before && before.ended === null) before.ended = at;
    if (phase !== null) {
      for (const later of PHASES.slice(PHASES.indexOf(phase))) delete times[later];
      times[phase] = { begun: at, ended: null };
    }
    running = phase;
  }
  return times;
}

export type PhaseState = "ahead" | "running" | "done" | "skipped" | "stopped";
export type PhaseRow = { phase: Phase; state: PhaseState; seconds: number | null };

/** The list as it is shown: what is done with its time, what runs with its time so far, what is ahead. */
export function phaseRows(events: readonly JobEvent[], now: number): PhaseRow[] {
  const times = timesOf(events);
  const last = events.at(-1)?.data;
  const current = last ? phaseOf(last.status, last.stage) : "wait";
  const wasIsolated = events.some((event) => event.data.stage === "separate");
  const reached = PHASES.findLast((phase) => times[phase] !== undefined);
  return PHASES.map((phase) => {
    const time = times[phase];
    if (!time) return { phase, state: "ahead", seconds: null };
    const seconds = ((time.ended ?? now) - time.begun) / 1000;
    if (phase === current) return { phase, state: "running", seconds };
    if (phase === "separate" && !wasIsolated) return { phase, state: "skipped", seconds: null };
    const broke = phase === reached && last !== undefined && (last.status === "failed" || last.status === "cancelled");
    return { phase, state: broke ? "stopped" : "done", seconds };
  });
}
