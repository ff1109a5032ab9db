"use client";

import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";

import type { Editing } from "./use-editing";

/** What has to be known before one goes on: an old version is on the page, or a newer one exists. */
export function Notes({ editing, onConflict }: { editing: Editing; onConflict: () => void }) {
  const { looking, look, behind, shown, job } = editing;
  if (looking)
    return (
      <Notice title={`You are looking at version ${shown} of ${job.revision}`}>
        <p>It can be played and downloaded, but not corrected. Your newest version stays either way.</p>
        <div className="mt-1 flex flex-wrap gap-2">
          <Button onClick={() => look(null)}>Back to the newest version</Button>
          <Button
            look="quiet"
            disabled={editing.writing}
            onClick={() => {
              look(null);
              editing.save({ restore: shown });
            }}
          >
            Make this the newest
          </Button>
        </div>
      </Notice>
    );
  if (behind)
    return (
      <Notice title="There is a newer version">
        <p>It was saved elsewhere. Yours can go on top of it.</p>
        <Button className="mt-1" onClick={onConflict}>
          Compare and go on
        </Button>
      </Notice>
    );
  return null;
}
