"use client";

import { LoaderCircle, Redo2, Undo2 } from "lucide-react";

import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { plural } from "@/lib/format";

import type { Commands } from "./use-commands";
import type { Editing } from "./use-editing";

const SQUARE = "inline-flex size-11 items-center justify-center rounded-lg hover:not-disabled:bg-sunk disabled:opacity-40 [&_svg]:size-5";

/** Undo, redo, what is unsaved, and saving it. */
export function SaveBar({ editing, commands, onRefused }: { editing: Editing; commands: Commands; onRefused: () => void }) {
  const { state, writing, behind, looking, save, trouble, refused } = editing;
  const { count } = state;
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <button type="button" className={SQUARE} aria-label="Undo" title="Undo (Ctrl+Z)" disabled={!commands.canUndo} onClick={commands.undo}>
          <Undo2 aria-hidden />
        </button>
        <button type="button" className={SQUARE} aria-label="Redo" title="Redo (Ctrl+Shift+Z)" disabled={!commands.canRedo} onClick={commands.redo}>
          <Redo2 aria-hidden />
        </button>
        <p role="status" className="flex flex-1 items-center gap-2 text-sm">
          {writing ? (
            <>
              <LoaderCircle aria-hidden className="size-4 animate-spin text-accent" />
              Writing version {editing.job.revision + 1} …
            </>
          ) : count > 0 ? (
            <span className="figures font-medium">{plural(count, "unsaved change")}</span>
          ) : (
            <span className="text-soft">Everything is saved</span>
          )}
        </p>
        <Button look="primary" disabled={count === 0 || writing || behind || looking} onClick={() => save()}>
          Save
        </Button>
      </div>
      {trouble && (
        <Notice tone="bad" title={count > 0 ? "Not saved yet" : "That could not be done"}>
          <p>{trouble}</p>
          {count > 0 && <p>Your corrections are still here. Try to save again, or undo the last ones.</p>}
          {refused && <Button onClick={onRefused}>Show the stroke</Button>}
        </Notice>
      )}
    </div>
  );
}
