"use client";

import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";

import { useStand } from "@/components/score/stand";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { downloadAddress } from "@/lib/api/browser";
import { readText } from "@/lib/api/recordings";
import { operations } from "@/lib/edit/draft";
import { refit, type Reason } from "@/lib/edit/refit";
import { plural } from "@/lib/format";
import { drumName } from "@/lib/score/drums";
import { readScore, type ScoreDocument } from "@/lib/score/score";

import type { Editing } from "./use-editing";

const REASONS: Record<Reason, string> = {
  gone: "this stroke is no longer there",
  bars: "the bars are others now",
  taken: "the newer version has a stroke there already",
};

/** Somebody saved a newer version meanwhile: take it over and keep what fits, or let one's own go. */
export function ConflictDialog({ editing, onClose }: { editing: Editing; onClose: () => void }) {
  const { job, store, state } = editing;
  const { score } = useStand();
  const dialog = useRef<HTMLDialogElement>(null);
  const { data: newer, error } = useQuery<ScoreDocument>({
    queryKey: ["newer score", job.id, job.revision],
    queryFn: async () => readScore(await readText(downloadAddress(job.id, "score", job.revision))),
    staleTime: Infinity,
  });
  const fitted = useMemo(() => newer && refit(state.draft, score, newer), [newer, state.draft, score]);
  const all = operations(state.draft).length;

  useEffect(() => dialog.current?.showModal(), []);

  const takeOver = () => {
    if (!fitted) return;
    store.replace(job.revision, fitted.steps);
    onClose();
  };
  const letGo = () => {
    store.clear();
    onClose();
  };
  return (
    <dialog ref={dialog} aria-labelledby="conflict-title" onClose={onClose} className="card m-auto w-[min(34rem,calc(100vw-2rem))] p-6 text-ink backdrop:bg-black/40">
      <h2 id="conflict-title" className="text-lg font-semibold">
        There is a newer version
      </h2>
      <div className="my-4 flex flex-col gap-3">
        <p>
          Version {job.revision} was saved elsewhere while you were correcting version {state.revision}.
        </p>
        {error && <Notice tone="bad">The newer version could not be fetched. Check your connection and try again.</Notice>}
        {!fitted && !error && <p role="status">Comparing …</p>}
        {fitted && (
          <p role="status">
            {fitted.misfits.length === 0
              ? all === 1
                ? "Your change fits on top of it."
                : `All of your ${all} changes fit on top of it.`
              : `${all - fitted.misfits.length} of your ${plural(all, "change")} fit on top of it. These do not:`}
          </p>
        )}
        {fitted && fitted.misfits.length > 0 && (
          <ul className="max-h-48 list-disc overflow-y-auto pl-6 text-sm">
            {fitted.misfits.map(({ drum, bar, reason }, at) => (
              <li key={at}>
                {drumName(drum)} in bar {score.bars[bar]?.number ?? bar + 1}: {REASONS[reason]}
              </li>
            ))}
          </ul>
        )}
      </div>
      <div className="flex flex-wrap gap-2">
        <Button look="primary" disabled={!fitted} onClick={takeOver}>
          Open version {job.revision} with my changes
        </Button>
        <Button look="danger" onClick={letGo}>
          Throw my changes away
        </Button>
        <Button look="quiet" onClick={() => dialog.current?.close()}>
          Not now
        </Button>
      </div>
    </dialog>
  );
}
