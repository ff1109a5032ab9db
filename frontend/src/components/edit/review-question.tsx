"use client";

import { Check, X } from "lucide-react";

import { doubtOf } from "@/lib/score/doubt";
import type { EditNote } from "@/lib/edit/notes";

import type { Commands } from "./use-commands";

type Props = {
  note: EditNote;
  deleted: boolean;
  open: boolean;
  current: boolean;
  commands: Commands;
  onChoose: () => void;
  onAnswer: (right: boolean) => void;
};

const SQUARE = "inline-flex size-11 items-center justify-center rounded-lg hover:not-disabled:bg-sunk disabled:opacity-40 [&_svg]:size-5";
const TINTS = { sure: "text-soft", unsure: "text-(--unsure)", doubtful: "text-(--doubtful)" };

/** One stroke in question: right, or not there. */
export function ReviewQuestion({ note, deleted, open, current, commands, onChoose, onAnswer }: Props) {
  const name = commands.named(note.drum, note.onset);
  const answer = deleted ? "not there" : note.state === "heard" ? null : note.state === "confirmed" ? "right" : "changed";
  return (
    <li aria-current={current || undefined} className={`drum-tints flex items-center gap-1 rounded-lg border-l-4 pl-2 ${current ? "border-accent bg-wash" : "border-transparent"}`}>
      <button type="button" onClick={onChoose} className="min-h-11 min-w-0 flex-1 text-left">
        <span className={deleted ? "text-soft line-through" : ""}>{name}</span>{" "}
        <span className={`figures text-sm ${answer ? "text-good" : TINTS[doubtOf(note.confidence)]}`}>
          {answer ?? `${Math.round(note.confidence * 100)} % sure`}
        </span>
      </button>
      <button type="button" className={SQUARE} disabled={!open || commands.locked} aria-label={`${name} is right`} title="Right (Y)" onClick={() => onAnswer(true)}>
        <Check aria-hidden />
      </button>
      <button type="button" className={SQUARE} disabled={!open || commands.locked} aria-label={`${name} is not there`} title="Not there (N)" onClick={() => onAnswer(false)}>
        <X aria-hidden />
      </button>
    </li>
  );
}
