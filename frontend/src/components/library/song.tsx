"use client";

import { Pencil, Trash2 } from "lucide-react";
import Link from "next/link";
import { useState } from "react";

import { nameOf } from "@/components/jobs/job-view";
import { ShareButton } from "@/components/share/share-button";
import { Button } from "@/components/ui/button";
import type { Job } from "@/lib/api/types";
import { clock, since } from "@/lib/format";
import { phaseOf } from "@/lib/jobs/phases";

import { DeleteSong } from "./delete-song";
import { RenameSong } from "./rename-song";

type Props = { job: Job; now: string };
type Mode = "shown" | "renaming" | "deleting";

function factsOf(job: Job, now: string): string {
  const bpm = job.bpm ?? job.detected_bpm;
  const facts = [since(job.created_at, Date.parse(now)), job.duration_seconds ? clock(job.duration_seconds) : null];
  if (job.status === "completed") facts.push(bpm ? `${Math.round(bpm)} bpm` : null);
  return facts.filter(Boolean).join(" · ");
}

const WORDS: Partial<Record<Job["status"], string>> = { failed: "Failed", cancelled: "Stopped", expired: "Deleted" };

function StatusWord({ job }: { job: Job }) {
  if (job.status === "completed") return null;
  const isActive = phaseOf(job.status, job.stage) !== null;
  const text = isActive ? (job.status === "queued" ? "Waiting" : `${job.progress} %`) : WORDS[job.status];
  const tint = isActive ? "bg-wash text-accent" : job.status === "failed" ? "bg-bad-wash text-bad" : "bg-sunk text-soft";
  return <span className={`figures rounded-full px-2.5 py-0.5 text-sm font-medium ${tint}`}>{text}</span>;
}

/** One line of the library. */
export function Song({ job, now }: Props) {
  const [mode, setMode] = useState<Mode>("shown");
  const name = nameOf(job);
  const back = () => setMode("shown");
  if (mode === "renaming") return <RenameSong job={job} onDone={back} />;
  if (mode === "deleting") return <DeleteSong job={job} onDone={back} />;
  return (
    <li className="flex items-center gap-1 pr-2 hover:bg-sunk/60">
      <Link href={`/jobs/${job.id}`} className="flex min-h-16 min-w-0 flex-1 items-center gap-3 rounded-lg px-4 py-2 sm:px-6">
        <span className="min-w-0 flex-1">
          <span className="block truncate font-title font-semibold">{name}</span>
          <span className="figures block truncate text-sm text-soft">{factsOf(job, now)}</span>
        </span>
        <StatusWord job={job} />
      </Link>
      {job.status === "completed" && <ShareButton jobId={job.id} title={name} small />}
      <Button look="quiet" className="px-3 text-soft" aria-label={`Rename ${name}`} onClick={() => setMode("renaming")}>
        <Pencil aria-hidden />
      </Button>
      <Button look="quiet" className="px-3 text-soft" aria-label={`Delete ${name}`} onClick={() => setMode("deleting")}>
        <Trash2 aria-hidden />
      </Button>
    </li>
  );
}
