"use client";

import { ClipboardPaste, Copy, Eraser, Repeat2, Scissors } from "lucide-react";
import { useState } from "react";

import type { Clips } from "./use-clipboard";

const TOOL =
  "inline-flex min-h-11 min-w-11 items-center justify-center gap-1.5 rounded-lg px-2 text-sm hover:not-disabled:bg-sunk disabled:opacity-40 [&_svg]:size-[1.125rem]";

/** Copy, cut, paste and repeat: for the strokes that are picked, else for the open or looped bars. */
export function ClipTools({ clips, locked, last }: { clips: Clips; locked: boolean; last: boolean }) {
  const { what, clip, empty, strokes } = clips;
  const [times, setTimes] = useState(1);
  const tools = [
    ["Copy", `Copy ${what}`, "Ctrl+C", Copy, clips.copy, empty && strokes.length === 0],
    ["Cut", `Cut ${what}`, "Ctrl+X", Scissors, clips.cut, locked || empty],
    ["Paste", "Paste at this bar", "Ctrl+V", ClipboardPaste, clips.put, locked || !clip],
    ["Clear", `Clear ${what}`, "", Eraser, () => clips.clear(), locked || empty],
  ] as const;
  return (
    <div role="group" aria-label="Copy and paste" className="-mx-2 flex flex-wrap items-center">
      {tools.map(([short, label, key, Sign, act, off]) => (
        <button key={short} type="button" className={TOOL} aria-label={label} title={key ? `${label} (${key})` : label} disabled={off} onClick={act}>
          <Sign aria-hidden />
          <span className="max-sm:sr-only">{short}</span>
        </button>
      ))}
      <span className="flex items-center">
        <button type="button" className={TOOL} aria-label={`Repeat ${what} ${times} times`} title={`Repeat ${what} into the bars that follow`} disabled={locked || empty || last || strokes.length > 0} onClick={() => clips.repeat(times)}>
          <Repeat2 aria-hidden />
          Repeat
        </button>
        <label className="flex items-center gap-1 text-sm text-soft">
          <span className="sr-only">How many times</span>
          <input
            type="number"
            min={1}
            max={400}
            value={times}
            onChange={(event) => setTimes(Math.min(400, Math.max(1, Math.round(Number(event.target.value)) || 1)))}
            className="control figures w-16! px-2! text-sm!"
          />
          ×
        </label>
      </span>
    </div>
  );
}
