"use client";

import type { RefObject } from "react";

import { Button } from "@/components/ui/button";
import { EDIT_KEYS, REVIEW_KEYS } from "@/lib/edit/keys";
import { SHORTCUTS } from "./use-shortcuts";

function Keys({ keys }: { keys: readonly (readonly [keys: string, what: string])[] }) {
  return (
    <dl className="my-3 grid grid-cols-[auto_1fr] content-start gap-x-4 gap-y-2">
      {keys.map(([key, what]) => (
        <div key={key} className="contents">
          <dt>
            <kbd className="rounded border border-edge px-2 font-sans whitespace-nowrap">{key}</kbd>
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The list of keys, as a dialog that Escape closes. */
export function ShortcutsHelp({ dialog, editing = false }: { dialog: RefObject<HTMLDialogElement | null>; editing?: boolean }) {
  return (
    <dialog ref={dialog} aria-labelledby="keys-title" className="card m-auto max-w-4xl p-6 text-ink backdrop:bg-black/40">
      <h2 id="keys-title" className="text-lg font-semibold">
        Keys
      </h2>
      <div className="grid gap-x-10 md:grid-flow-col">
        <Keys keys={SHORTCUTS} />
        {editing && (
          <div>
            <h3 className="mt-3 font-medium">In the grid</h3>
            <Keys keys={EDIT_KEYS} />
            <h3 className="mt-3 font-medium">In the review</h3>
            <Keys keys={REVIEW_KEYS} />
          </div>
        )}
      </div>
      <Button onClick={() => dialog.current?.close()}>Close</Button>
    </dialog>
  );
}
