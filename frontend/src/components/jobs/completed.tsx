"use client";

import { useQuery } from "@tanstack/react-query";

import { Page } from "@/components/ui/page";
import { api } from "@/lib/api/browser";
import { getResult } from "@/lib/api/calls";
import type { Problem } from "@/lib/api/problem";
import type { Job, JobResult } from "@/lib/api/types";
import { resultKey } from "@/lib/jobs/keys";
import type { Stream } from "@/lib/jobs/stream";

import { Downloads } from "./downloads";
import { Facts } from "./facts";
import { nameOf } from "./job-view";
import { Notice } from "@/components/ui/notice";

/** A song whose score is written. */
export function Completed({ job }: { job: Job; stream: Stream }) {
  const { data: result, error } = useQuery<JobResult, Problem>({
    queryKey: resultKey(job.id),
    queryFn: () => getResult(api, job.id),
    staleTime: Infinity,
  });
  return (
    <Page title={nameOf(job)} lead={<Facts job={job} />}>
      {job.warning_details?.map((warning) => (
        <div key={warning.code} className="mb-4">
          <Notice>{warning.message}</Notice>
        </div>
      ))}
      {error && <Notice tone="bad">{error.message}</Notice>}
      {result && <Downloads job={job} result={result} />}
    </Page>
  );
}
