import { describe, expect, it } from "vitest";

import type { JobEvent, JobStatus } from "@/lib/api/types";

import { phaseOf, phaseRows, timesOf } from "./phases";

const START = Date.parse("2026-11-21T13:00:00Z");

/** Events of a job: second, status, stage. */
function story(...lines: [second: number, status: JobStatus, stage?: string][]): JobEvent[] {
  return lines.map(([second, status, stage], index) => ({
    seq: index + 1,
    type: "status",
    data: { status, progress: 0, stage: stage ?? null, revision: 0 },
    created_at: new Date(START + second * 1000).toISOString(),
  }));
}

const shown = (events: JobEvent[], second = 0) =>
  phaseRows(events, START + second * 1000).map(({ phase, state, seconds }) => `${phase} ${state}${seconds === null ? "" : ` ${seconds}`}`);

describe("the phases of a song", () => {
  it("times what is done by the server's clock, what runs until now, and leaves out what is ahead", () => {
    const events = story([0, "queued"], [2, "processing"], [3, "processing", "ingest"], [5, "separating_drums", "separate"]);
    expect(shown(events, 9)).toEqual(["wait done 2", "read done 3", "separate running 4", "listen ahead", "beats ahead", "write ahead"]);
  });

  it("says that the drums were not isolated when nobody asked for it", () => {
    const events = story([0, "queued"], [1, "processing"], [2, "separating_drums", "ingest"], [2, "predicting", "ingest"], [4, "predicting", "beats"]);
    expect(shown(events, 5)).toEqual(["wait done 1", "read done 1", "separate skipped", "listen done 2", "beats running 1", "write ahead"]);
  });

  it("ends every time when the job ends", () => {
    const events = story([0, "queued"], [1, "processing"], [2, "predicting", "listen"], [4, "predicting", "beats"], [5, "transcribing"], [8, "completed"]);
    expect(shown(events, 99).at(-1)).toBe("write done 3");
    expect(timesOf(events).wait).toEqual({ begun: START, ended: START + 1000 });
  });

  it("marks where a job stopped", () => {
    expect(shown(story([0, "queued"], [1, "processing"], [3, "failed"]))).toContain("read stopped 2");
    expect(shown(story([0, "queued"], [1, "cancelled"]))).toContain("wait stopped 1");
  });

  it("counts work that was taken up again from the last time, and forgets what came after it", () => {
    const events = story([0, "queued"], [1, "processing"], [2, "predicting", "listen"], [9, "processing"]);
    expect(shown(events, 10)).toEqual(["wait done 1", "read running 1", "separate ahead", "listen ahead", "beats ahead", "write ahead"]);
  });

  it("waits as long as nothing is known", () => {
    expect(phaseRows([], START).every(({ state }) => state === "ahead")).toBe(true);
    expect(phaseOf("completed", null)).toBeNull();
  });
});
