"use client";

import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";

import { Button } from "@/components/ui/button";
import { api, downloadAddress } from "@/lib/api/browser";
import { listRevisions } from "@/lib/api/calls";
import type { Problem } from "@/lib/api/problem";
import type { Revision } from "@/lib/api/types";
import { describe } from "@/lib/edit/versions";
import { since } from "@/lib/format";
import { revisionsKey } from "@/lib/jobs/keys";
import { useNow } from "@/lib/jobs/use-now";

import type { Editing } from "./use-editing";

/** Every version of the score: to look at, to hear and to take along. */
export function Versions({ editing }: { editing: Editing }) {
  const { job, shown, state, look } = editing;
  const now = useNow(30_000);
  const { data, error } = useQuery<Revision[], Problem>({
    queryKey: revisionsKey(job.id, job.revision),
    queryFn: () => listRevisions(api, job.id),
  });
  const finished = (data ?? []).filter(({ status }) => status === "completed").reverse();
  return (
    <section aria-label="Versions" className="flex flex-col gap-2">
      <p className="text-sm text-soft">
        An older version can be looked at, played and downloaded. Corrections go on from the newest one; whoever goes back to an older one has it as a new version.
      </p>
      {error && <p role="alert" className="text-bad">{error.message}</p>}
      <ol className="divide-y divide-line">
        {finished.map((revision) => {
          const { number } = revision;
          const isShown = number === shown;
          const base = finished.find((other) => other.number === revision.base);
          return (
            <li key={number} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-1" aria-current={isShown || undefined}>
              <span className="min-w-0 flex-1">
                <span className="font-medium">Version {number}</span>
                {isShown && <span className="text-sm text-accent"> on the page</span>}
                <span className="block text-sm text-soft">
                  {describe(revision, base)}, {since(revision.finished_at ?? revision.created_at, now)}
                </span>
              </span>
              <a
                href={downloadAddress(job.id, "pdf", number)}
                download
                aria-label={`PDF of version ${number}`}
                title={`PDF of version ${number}`}
                className="inline-flex size-11 items-center justify-center rounded-lg hover:bg-sunk"
              >
                <Download aria-hidden className="size-[1.125rem]" />
              </a>
              <Button disabled={isShown || state.count > 0} onClick={() => look(number === job.revision ? null : number)}>
                Look at it
              </Button>
            </li>
          );
        })}
      </ol>
      {state.count > 0 && <p className="text-sm text-soft">Save or undo your corrections to look at another version.</p>}
    </section>
  );
}
