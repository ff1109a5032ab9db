import { Check, CircleDashed, LoaderCircle, Minus, X } from "lucide-react";

import { took } from "@/lib/format";
import { PHASE_NAMES, type PhaseRow, type PhaseState } from "@/lib/jobs/phases";

const SIGNS: Record<PhaseState, { Sign: typeof Check; tint: string; word: string }> = {
  ahead: { Sign: CircleDashed, tint: "text-soft/70", word: "to come" },
  running: { Sign: LoaderCircle, tint: "text-accent animate-spin", word: "running" },
  done: { Sign: Check, tint: "text-good", word: "done" },
  skipped: { Sign: Minus, tint: "text-soft", word: "not asked for" },
  stopped: { Sign: X, tint: "text-bad", word: "stopped here" },
};

/** The parts of the work with their times. */
export function PhaseList({ rows }: { rows: readonly PhaseRow[] }) {
  return (
    <ol className="mt-6 divide-y divide-line">
      {rows.map(({ phase, state, seconds }) => {
        const { Sign, tint, word } = SIGNS[state];
        const isQuiet = state === "ahead" || state === "skipped";
        return (
          <li key={phase} aria-current={state === "running" ? "step" : undefined} className="flex min-h-11 items-center gap-3">
            <Sign aria-hidden className={`size-5 shrink-0 ${tint}`} strokeWidth={2} />
            <span className={`flex-1 ${isQuiet ? "text-soft" : ""} ${state === "running" ? "font-medium" : ""}`}>{PHASE_NAMES[phase]}</span>
            <span className="figures text-sm text-soft">
              {seconds === null ? state === "skipped" && word : took(seconds)}
              {state !== "skipped" && <span className="sr-only">, {word}</span>}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
