"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { Bar } from "@/components/ui/bar";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { Page } from "@/components/ui/page";
import { api } from "@/lib/api/browser";
import { cancelJob } from "@/lib/api/calls";
import type { Problem } from "@/lib/api/problem";
import type { Job } from "@/lib/api/types";
import { jobKey } from "@/lib/jobs/keys";
import { PHASE_NAMES, phaseOf, phaseRows } from "@/lib/jobs/phases";
import type { FollowedJob } from "@/lib/jobs/use-job";
import { useNow } from "@/lib/jobs/use-now";

import { nameOf } from "./job-view";
import { NotifyOffer } from "./notify-offer";
import { PhaseList } from "./phase-list";

/** A song that is being worked on. */
export function Progress({ job, stream, problem, skew }: FollowedJob & { skew: number }) {
  const queries = useQueryClient();
  const now = useNow(200) + skew;
  const cancel = useMutation<Job, Problem>({
    mutationFn: () => cancelJob(api, job.id),
    onSuccess: (cancelled) => queries.setQueryData(jobKey(job.id), cancelled),
    onError: () => queries.invalidateQueries({ queryKey: jobKey(job.id) }), // it has ended meanwhile
  });
  const phase = phaseOf(job.status, job.stage);
  const place = job.queue_position && job.queue_position > 1 ? `, ${job.queue_position - 1} before it` : "";
  const doing = phase ? `${PHASE_NAMES[phase]}${phase === "wait" ? place : ""}` : "";
  return (
    <Page title={nameOf(job)} lead={<p>{job.youtube_url ?? job.original_filename}</p>}>
      <section aria-label="Progress" className="card p-4 sm:p-6">
        <p className="mb-3 flex items-baseline justify-between gap-4">
          <span role="status" className="font-medium">
            {doing}
          </span>
          <span className="figures text-2xl font-semibold">{job.progress} %</span>
        </p>
        <Bar value={job.progress} label="Progress of the whole song" />
        <PhaseList rows={phaseRows(stream.events, now)} />
        {stream.link === "polling" && problem && (
          <Notice>The connection is broken. The work goes on; this page will catch up as soon as it can.</Notice>
        )}
        <div className="mt-6 flex flex-wrap items-center justify-between gap-4 border-t border-line pt-4">
          <p className="max-w-md text-sm text-soft">You can leave this page: the work goes on, and the song waits for you in the library.</p>
          <Button onClick={() => cancel.mutate()} disabled={cancel.isPending}>
            {cancel.isPending ? "Stopping…" : "Stop"}
          </Button>
        </div>
      </section>
      <NotifyOffer />
    </Page>
  );
}
