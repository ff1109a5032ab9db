"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { nameOf } from "@/components/jobs/job-view";
import { Button } from "@/components/ui/button";
import { api } from "@/lib/api/browser";
import { renameJob } from "@/lib/api/calls";
import type { Problem } from "@/lib/api/problem";
import type { Job } from "@/lib/api/types";

type Props = { job: Job; onDone: () => void };

/** A line of the library while its title is changed: Enter saves, Escape leaves it. */
export function RenameSong({ job, onDone }: Props) {
  const queries = useQueryClient();
  const [title, setTitle] = useState(nameOf(job));
  const rename = useMutation<Job, Problem>({
    mutationFn: () => renameJob(api, job.id, title.trim()),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["jobs"] });
      onDone();
    },
  });

  function save(event: FormEvent) {
    event.preventDefault();
    if (title.trim() === nameOf(job)) onDone();
    else if (title.trim() !== "") rename.mutate();
  }

  return (
    <li className="px-4 py-3 sm:px-6">
      <form onSubmit={save} onKeyDown={(event) => event.key === "Escape" && onDone()} className="flex flex-wrap gap-2">
        <input
          aria-label="New title"
          autoFocus
          onFocus={(event) => event.target.select()}
          maxLength={200}
          required
          value={title}
          onChange={(event) => setTitle(event.target.value)}
          className="control min-w-48 flex-1"
        />
        <Button type="submit" look="primary" disabled={rename.isPending}>
          Save
        </Button>
        <Button onClick={onDone}>Keep the old one</Button>
      </form>
      {rename.error && (
        <p role="alert" className="mt-2 text-sm text-bad">
          {rename.error.message}
        </p>
      )}
    </li>
  );
}
