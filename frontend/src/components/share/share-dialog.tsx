"use client";

import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useEffect, useId, useRef, useState } from "react";

import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { api } from "@/lib/api/browser";
import { listShares } from "@/lib/api/calls";
import type { Problem } from "@/lib/api/problem";
import type { Share } from "@/lib/api/types";
import { sharesKey } from "@/lib/jobs/keys";

import { LinkRow } from "./link-row";
import { NewLink } from "./new-link";

type Props = { jobId: string; title: string; onClose: () => void };

/** Links to one song, in a dialog that is open for as long as this is there. */
export function ShareDialog({ jobId, title, onClose }: Props) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const [said, say] = useState("");
  const { data: shares, error } = useQuery<Share[], Problem>({ queryKey: sharesKey(jobId), queryFn: () => listShares(api, jobId) });
  const [now] = useState(() => Date.now());

  useEffect(() => dialog.current?.showModal(), []);

  function revoked() {
    say("The link is revoked.");
    dialog.current?.focus(); // what was focused is gone
  }

  return (
    <dialog
      ref={dialog}
      tabIndex={-1}
      aria-labelledby={id}
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && dialog.current.close()}
      className="card m-auto w-[min(36rem,calc(100vw-1rem))] text-ink outline-none backdrop:bg-black/50"
    >
      <div className="space-y-4 p-4 sm:p-6">
        <div className="flex items-start justify-between gap-3">
          <h2 id={id} className="min-w-0 pt-1.5 font-title text-xl font-semibold wrap-anywhere">
            Share “{title}”
          </h2>
          <Button look="quiet" className="-mt-1 -mr-2 px-3" aria-label="Close" onClick={() => dialog.current?.close()}>
            <X aria-hidden />
          </Button>
        </div>
        <p>Whoever has a link can read, play and download the score, always in its newest version. They cannot change or delete anything.</p>
        <NewLink jobId={jobId} isFirst={!shares?.length} onMade={() => say("The link is made.")} />
        <p role="status" className="sr-only">
          {said}
        </p>
        {error && <Notice tone="bad">{error.message}</Notice>}
        {shares && shares.length > 0 && (
          <ul aria-label="Links" className="space-y-2">
            {shares.map((share, index) => (
              <LinkRow key={share.id} share={share} number={index + 1} jobId={jobId} title={title} now={now} onRevoked={revoked} />
            ))}
          </ul>
        )}
      </div>
    </dialog>
  );
}
