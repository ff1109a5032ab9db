"use client";

import { memo } from "react";

import { doubtOf } from "@/lib/score/doubt";
import { drumName } from "@/lib/score/drums";
import { levelOf } from "@/lib/edit/kit";
import type { EditNote } from "@/lib/edit/notes";
import type { Column } from "@/lib/edit/places";

type Props = {
  drum: string;
  column: Column;
  note: EditNote | undefined;
  gone: boolean;
  selected: boolean;
  picked: boolean;
  refused: boolean;
  tabbable: boolean;
  target: boolean;
  locked: boolean;
};

const STATES: Record<EditNote["state"], string> = { heard: "", changed: "changed", added: "added", confirmed: "confirmed" };

/** How a note is told to those who do not see it. */
function wordsFor(note: EditNote): string {
  const level = note.ghost ? "ghost note" : note.accent ? "accent" : levelOf(note.velocity);
  const doubt = note.state === "heard" && doubtOf(note.confidence) !== "sure" ? `${Math.round(note.confidence * 100)} per cent sure` : "";
  return [`${level === "normal" ? "stroke" : level}, ${Math.round(note.velocity * 100)} per cent`, note.flam && "flam", doubt, STATES[note.state]]
    .filter(Boolean)
    .join(", ");
}

function looksOf(note: EditNote, selected: boolean, picked: boolean): string {
  const tone = note.state === "heard" ? doubtOf(note.confidence) : note.state;
  const ghost = note.ghost || (note.state !== "heard" && levelOf(note.velocity) === "ghost");
  return ["drum-note", tone, ghost && "ghost", note.flam && "flam", selected && "selected", picked && "picked"].filter(Boolean).join(" ");
}

/** One place of one drum. */
export const GridCell = memo(function GridCell({ drum, column, note, gone, selected, picked, refused, tabbable, target, locked }: Props) {
  const words = [note ? wordsFor(note) : gone ? "deleted stroke" : "empty", picked && "picked", refused && "refused by the server"].filter(Boolean).join(", ");
  const looks = ["drum-cell", column.beat && "beat", column.odd && "odd", target && "target", gone && !note && "gone", refused && "refused"].filter(Boolean).join(" ");
  return (
    <div
      role="gridcell"
      tabIndex={tabbable ? 0 : -1}
      data-drum={drum}
      data-onset={column.onset}
      aria-label={`${drumName(drum)}, ${column.spoken}: ${words}`}
      aria-selected={selected}
      aria-disabled={locked || undefined}
      className={looks}
    >
      {note && <span aria-hidden className={looksOf(note, selected, picked)} style={{ "--loud": `${Math.max(8, note.velocity * 100)}%` } as React.CSSProperties} />}
    </div>
  );
});
