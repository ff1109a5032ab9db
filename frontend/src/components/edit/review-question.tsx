"use client";

import { Check, X } from "lucide-react";

import type { EditNote } from "@/lib/edit/notes";
import { placeName } from "@/lib/edit/places";
import { doubtOf } from "@/lib/score/doubt";
import { drumName } from "@/lib/score/drums";

import type { Commands } from "./use-commands";

type Props = {
  note: EditNote;
  deleted: boolean;
  open: boolean;
  current: boolean;
  unit: number;
  commands: Commands;
  onChoose: () => void;
  onAnswer: (right: boolean) => void;
};

const SQUARE = "inline-flex size-11 items-center justify-center rounded-lg hover:not-disabled:bg-sunk disabled:opacity-40 [&_svg]:size-5";
const TINTS = { sure: "text-soft", unsure: "text-(--unsure)", doubtful: "text-(--doubtful)" };

/** The list is short on a phone: what is asked for is in sight. */
const toView = (item: HTMLLIElement | null) => item?.scrollIntoView({ block: "nearest" });

/** One stroke in question: right, or not there. */
export function ReviewQuestion({ note, deleted, open, current, unit, commands, onChoose, onAnswer }: Props) {
  const name = commands.named(note.drum, note.onset);
  const answer = deleted ? "not there" : note.state === "heard" ? null : note.state === "confirmed" ? "right" : "changed";
  return (
    <li ref={current ? toView : undefined} aria-current={current || undefined} className={`drum-tints flex items-center gap-1 rounded-lg border-l-4 pl-2 ${current ? "border-accent bg-wash" : "border-transparent"}`}>
      <button type="button" onClick={onChoose} className="flex min-h-11 min-w-0 flex-1 items-center gap-3 text-left">
        <span className={`flex-1 ${deleted ? "text-soft line-through" : ""}`}>
          {drumName(note.drum)} <span className="sr-only">on</span> <span className="figures ml-1 text-soft">{placeName(note.onset, unit).written}</span>
        </span>
        <span className={`figures text-sm ${answer ? "font-medium text-good" : TINTS[doubtOf(note.confidence)]}`}>
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
