import type { Job } from "@/lib/api/types";
import { clock, plural } from "@/lib/format";

/** What was heard, in one line. */
export function Facts({ job }: { job: Job }) {
  const strokes = Object.values(job.hit_summary ?? {}).reduce((sum, count) => sum + count, 0);
  const bpm = job.bpm ?? job.detected_bpm;
  const facts = [
    job.duration_seconds ? clock(job.duration_seconds) : null,
    bpm ? `${job.bpm_unreliable ? "about " : ""}${Math.round(bpm)} beats a minute` : null,
    plural(strokes, "stroke"),
  ];
  return <p className="figures">{facts.filter(Boolean).join(" · ")}</p>;
}
