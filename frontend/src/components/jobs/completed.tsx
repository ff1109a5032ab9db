"use client";

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Pencil } from "lucide-react";
import { useEffect, useMemo, useState } from "react";

import { LazyEditor } from "@/components/edit/editor-lazy";
import { useEditing } from "@/components/edit/use-editing";
import { useEditKey } from "@/components/edit/use-edit-key";
import { LazyScorePage } from "@/components/score/score-page-lazy";
import { ShareButton } from "@/components/share/share-button";
import { Button } from "@/components/ui/button";
import { Net } from "@/components/ui/net";
import { Notice } from "@/components/ui/notice";
import { api, downloadAddress } from "@/lib/api/browser";
import { getResult } from "@/lib/api/calls";
import type { Problem } from "@/lib/api/problem";
import type { Job, JobResult } from "@/lib/api/types";
import { resultKey } from "@/lib/jobs/keys";

import { DownloadMenu } from "./download-menu";
import { Facts } from "./facts";
import { nameOf } from "./job-view";

/** Where the score page finds its files. Sound is made once, with the first version: a newer one plays on without loading it. */
function urlsOf({ job_id, revision, stems }: JobResult) {
  const at = (format: string) => downloadAddress(job_id, format, revision);
  const tracks = Object.fromEntries(Object.keys(stems ?? {}).map((track) => [track, downloadAddress(job_id, track, 1)]));
  return { musicxml: at("musicxml"), score: at("score"), svg: at("svg"), ...tracks };
}

/** A song whose score is written: what was heard, the files, and the score to play along with. */
export function Completed({ job }: { job: Job }) {
  const [correcting, setCorrecting] = useState(false);
  const editing = useEditing(job, correcting);
  const { shown, settle, state } = editing;
  const { data: result, error } = useQuery<JobResult, Problem>({
    queryKey: resultKey(job.id, shown),
    queryFn: () => getResult(api, job.id, shown),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
  useEditKey(() => setCorrecting(!correcting));
  useEffect(() => {
    if (!correcting) settle();
  });
  const urls = useMemo(() => result && urlsOf(result), [result]);
  return (
    <main id="content" tabIndex={-1} className="mx-auto w-full max-w-[96rem] px-4 pt-6 outline-none sm:px-6 sm:pt-8">
      <div className="mb-4 flex flex-wrap items-end justify-between gap-x-8 gap-y-3">
        <div className="min-w-0">
          <h1 className="font-title text-2xl font-semibold wrap-anywhere sm:text-3xl">{nameOf(job)}</h1>
          <div className="mt-1 text-soft">
            <Facts job={job} />
          </div>
        </div>
        {result && (
          <div className="no-print flex flex-wrap gap-2">
            <Button aria-pressed={correcting} title="Correct the notes (E)" className={correcting ? "border-accent! text-accent" : ""} onClick={() => setCorrecting(!correcting)}>
              <Pencil aria-hidden />
              Correct{state.count > 0 && !correcting && ` (${state.count} unsaved)`}
            </Button>
            <ShareButton jobId={job.id} title={nameOf(job)} />
            <DownloadMenu paths={{ ...result.stems, ...result.downloads }} />
          </div>
        )}
      </div>
      {job.warning_details?.map((warning) => (
        <div key={warning.code} className="no-print mb-4">
          <Notice>{warning.message}</Notice>
        </div>
      ))}
      {error && (
        <Notice tone="bad" title="The score could not be fetched">
          {error.message}
        </Notice>
      )}
      {result && urls && (
        <Net said="The score could not be shown here. Reload the page, or take the PDF.">
          <LazyScorePage title={nameOf(job)} result={result} urls={urls} unsaved={state.revision === result.revision ? state.draft : undefined}>
            {correcting && <LazyEditor editing={editing} result={result} onClose={() => setCorrecting(false)} />}
          </LazyScorePage>
        </Net>
      )}
    </main>
  );
}
