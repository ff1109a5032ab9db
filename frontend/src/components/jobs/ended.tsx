"use client";

import { useRouter } from "next/navigation";
import { useMutation } from "@tanstack/react-query";

import { Button, ButtonLink } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { Page } from "@/components/ui/page";
import { api } from "@/lib/api/browser";
import { createFromLink, deleteJob } from "@/lib/api/calls";
import type { Problem } from "@/lib/api/problem";
import type { Job } from "@/lib/api/types";
import { adviceFor } from "@/lib/jobs/failures";
import { idempotencyKey } from "@/lib/jobs/keys";
import { phaseRows } from "@/lib/jobs/phases";
import type { Stream } from "@/lib/jobs/stream";

import { nameOf } from "./job-view";
import { PhaseList } from "./phase-list";

const LEADS: Partial<Record<Job["status"], string>> = {
  cancelled: "You stopped this song before it was finished.",
  expired: "This score has been deleted: scores are kept for a limited time only. Send the song again to have it back.",
};

/** A song without a score: failed, stopped or past its time. */
export function Ended({ job, stream }: { job: Job; stream: Stream }) {
  const router = useRouter();
  const again = useMutation<string, Problem>({
    mutationFn: () => createFromLink(api, job.youtube_url ?? "", { title: job.title }, idempotencyKey()),
    onSuccess: (id) => router.push(`/jobs/${id}`),
  });
  const forget = useMutation<void, Problem>({ mutationFn: () => deleteJob(api, job.id), onSuccess: () => router.push("/library") });
  const problem = again.error ?? forget.error;
  const advice = job.error ? adviceFor(job.error) : null;
  return (
    <Page title={nameOf(job)} lead={LEADS[job.status]}>
      {job.error && advice && (
        <div className="mb-6">
          <Notice tone="bad" title={job.error.message}>
            <p>{advice.text}</p>
            <p className="text-sm text-soft">Code: {job.error.code}</p>
          </Notice>
        </div>
      )}
      {problem && <Notice tone="bad">{problem.message}</Notice>}
      <div className="flex flex-wrap gap-3">
        {job.youtube_url && (
          <Button look="primary" onClick={() => again.mutate()} disabled={again.isPending}>
            {again.isPending ? "Sending…" : "Try this video again"}
          </Button>
        )}
        <ButtonLink look={job.youtube_url ? "plain" : "primary"} href="/">
          {job.youtube_url ? "Upload a file instead" : "Send a song"}
        </ButtonLink>
        <Button onClick={() => forget.mutate()} disabled={forget.isPending}>
          Delete
        </Button>
      </div>
      {stream.events.length > 0 && job.status !== "expired" && (
        <section aria-label="What was done" className="card mt-8 px-4 pb-2 sm:px-6">
          <PhaseList rows={phaseRows(stream.events, 0)} />
        </section>
      )}
    </Page>
  );
}
