"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";

import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { api } from "@/lib/api/browser";
import { createShare } from "@/lib/api/calls";
import type { Problem } from "@/lib/api/problem";
import type { Share } from "@/lib/api/types";
import { sharesKey } from "@/lib/jobs/keys";

type Props = { jobId: string; isFirst: boolean; onMade: (share: Share) => void };

/** Makes a link, with the recording or without. */
export function NewLink({ jobId, isFirst, onMade }: Props) {
  const id = useId();
  const queries = useQueryClient();
  const [withAudio, setWithAudio] = useState(false);
  const make = useMutation<Share, Problem>({
    mutationFn: () => createShare(api, jobId, withAudio),
    onSuccess: (made) => {
      queries.setQueryData<Share[]>(sharesKey(jobId), (known) => [...(known ?? []), made]);
      onMade(made);
    },
  });
  return (
    <div className="space-y-3">
      <div className="flex items-start gap-3">
        <input
          id={id}
          type="checkbox"
          checked={withAudio}
          onChange={(event) => setWithAudio(event.target.checked)}
          aria-describedby={`${id}-hint`}
          className="mt-0.5 size-5 shrink-0 accent-accent"
        />
        <div>
          <label htmlFor={id} className="inline-flex min-h-6 items-center font-medium">
            Let them hear the recording too
          </label>
          <p id={`${id}-hint`} className="text-sm text-soft">
            Only if it is yours or its owners allow it: passing on somebody else’s recording usually needs their permission. Without it
            the score plays with drum sounds.
          </p>
        </div>
      </div>
      <Button look={isFirst ? "primary" : "plain"} onClick={() => make.mutate()} disabled={make.isPending}>
        {isFirst ? "Make a link" : "Make another link"}
      </Button>
      {make.error && <Notice tone="bad">{make.error.message}</Notice>}
    </div>
  );
}
