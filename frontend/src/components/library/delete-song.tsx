"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { nameOf } from "@/components/jobs/job-view";
import { Button } from "@/components/ui/button";
import { api } from "@/lib/api/browser";
import { deleteJob } from "@/lib/api/calls";
import type { Problem } from "@/lib/api/problem";
import type { Job } from "@/lib/api/types";

type Props = { job: Job; onDone: () => void };

/** A line of the library while it is asked whether the song may go: there is no way back. */
export function DeleteSong({ job, onDone }: Props) {
  const queries = useQueryClient();
  const remove = useMutation<void, Problem>({
    mutationFn: () => deleteJob(api, job.id),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["jobs"] }),
  });
  return (
    <li>
      <div
        role="group"
        aria-label={`Delete ${nameOf(job)}`}
        onKeyDown={(event) => event.key === "Escape" && onDone()}
        className="flex flex-wrap items-center gap-2 px-4 py-3 sm:px-6"
      >
        <p className="min-w-48 flex-1 wrap-anywhere">
          Delete “{nameOf(job)}” with its score and recording? This cannot be undone.
          {remove.error && <span role="alert"> {remove.error.message}</span>}
        </p>
        <Button look="danger" onClick={() => remove.mutate()} disabled={remove.isPending}>
          Delete
        </Button>
        <Button autoFocus onClick={onDone}>
          Keep
        </Button>
      </div>
    </li>
  );
}
