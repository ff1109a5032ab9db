import { memo } from "react";

import { doubtOf } from "@/lib/score/doubt";
import type { Engraving } from "@/lib/score/engraving";

/** What the engraver leaves out or cannot know: brackets round ghost notes, rings round doubtful ones. */
export const Marks = memo(function Marks({ engraving, tinted }: { engraving: Engraving; tinted: boolean }) {
  const { unit } = engraving;
  return (
    <svg aria-hidden className="engraving-marks pointer-events-none absolute inset-0 overflow-visible will-change-transform" width={engraving.width} height={engraving.height} viewBox={`0 0 ${engraving.width} ${engraving.height}`}>
      {engraving.heads.map(({ bar, x, y, note }) => {
        const doubtful = tinted && doubtOf(note.confidence) === "doubtful";
        if (!note.ghost && !doubtful) return null;
        const key = `${bar} ${note.drum} ${note.onset}`;
        const tall = unit * 0.72;
        return (
          <g key={key} fill="none" stroke="var(--ink)" strokeWidth={unit * 0.13}>
            {note.ghost &&
              [-1, 1].map((side) => (
                <path
                  key={side}
                  data-testid="ghost"
                  strokeLinecap="round"
                  d={`M ${x + side * unit * 0.8} ${y - tall} q ${side * unit * 0.45} ${tall} 0 ${tall * 2}`}
                />
              ))}
            {doubtful && (
              <circle cx={x} cy={y} r={unit * 1.15} stroke="var(--doubtful)" strokeDasharray={`${unit * 0.3} ${unit * 0.25}`} data-testid="doubtful" />
            )}
          </g>
        );
      })}
    </svg>
  );
});
