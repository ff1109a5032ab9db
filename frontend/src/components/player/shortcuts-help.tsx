"use client";

import type { RefObject } from "react";

import { Button } from "@/components/ui/button";
import { SHORTCUTS } from "./use-shortcuts";

/** The list of keys, as a dialog that Escape closes. */
export function ShortcutsHelp({ dialog }: { dialog: RefObject<HTMLDialogElement | null> }) {
  return (
    <dialog ref={dialog} aria-labelledby="keys-title" className="card m-auto p-6 text-ink backdrop:bg-black/40">
      <h2 id="keys-title" className="text-lg font-semibold">
        Keys
      </h2>
      <dl className="my-4 grid grid-cols-[auto_1fr] gap-x-6 gap-y-2">
        {SHORTCUTS.map(([keys, what]) => (
          <div key={keys} className="contents">
            <dt>
              <kbd className="rounded border border-edge px-2 font-sans">{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <Button onClick={() => dialog.current?.close()}>Close</Button>
    </dialog>
  );
}
