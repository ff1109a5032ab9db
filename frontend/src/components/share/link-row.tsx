"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { Button } from "@/components/ui/button";
import { api } from "@/lib/api/browser";
import { revokeShare } from "@/lib/api/calls";
import type { Problem } from "@/lib/api/problem";
import type { Share } from "@/lib/api/types";
import { since } from "@/lib/format";
import { sharesKey } from "@/lib/jobs/keys";
import { embedCodeOf, linkOf } from "@/lib/share/links";

import { CopyField } from "./copy-field";

type Props = { share: Share; number: number; jobId: string; title: string; now: number; onRevoked: () => void };

/** One link: to copy, to put into a page, to take back. */
export function LinkRow({ share, number, jobId, title, now, onRevoked }: Props) {
  const queries = useQueryClient();
  const [asks, setAsks] = useState(false);
  const revoke = useMutation<void, Problem>({
    mutationFn: () => revokeShare(api, jobId, share.id),
    onSuccess: () => {
      queries.setQueryData<Share[]>(sharesKey(jobId), (known) => known?.filter(({ id }) => id !== share.id));
      onRevoked();
    },
  });
  const origin = window.location.origin;
  const kind = share.with_audio ? "Score and recording" : "Score only";
  return (
    <li className="space-y-2 border-t border-line pt-2">
      <div className="flex min-h-11 items-center justify-between gap-2">
        <p className="text-sm text-soft">
          <span className="font-medium text-ink">{kind}</span> · made {since(share.created_at, now)}
        </p>
        {!asks && (
          <Button look="quiet" className="-mr-4 text-bad" aria-label={`Revoke link ${number}`} onClick={() => setAsks(true)}>
            Revoke
          </Button>
        )}
      </div>
      {asks && (
        <div role="group" aria-label={`Take link ${number} back`} className="flex flex-wrap items-center gap-2 rounded-lg bg-sunk p-3">
          <p className="min-w-48 flex-1">
            Whoever has this link will no longer see the score.
            {revoke.error && <span role="alert"> {revoke.error.message}</span>}
          </p>
          <Button look="danger" onClick={() => revoke.mutate()} disabled={revoke.isPending}>
            Revoke it
          </Button>
          <Button autoFocus onClick={() => setAsks(false)}>
            Keep it
          </Button>
        </div>
      )}
      <CopyField label={`Link ${number}`} value={linkOf(origin, share.token)} button={`Copy link ${number}`} />
      <details>
        <summary className="min-h-11 content-center rounded text-[0.9375rem] text-accent">Put it into a web page</summary>
        <CopyField
          label={`HTML of link ${number}`}
          value={embedCodeOf(origin, share.token, title)}
          button={`Copy the HTML of link ${number}`}
        />
        <p className="mt-1 text-sm text-soft">A small frame with score and player, for any page that takes HTML.</p>
      </details>
    </li>
  );
}
