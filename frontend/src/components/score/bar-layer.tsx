"use client";

import { memo, useRef } from "react";

import type { Loop } from "@/lib/player/clock";
import { barAtPoint } from "@/lib/score/engraving";
import type { BarBox } from "@/lib/score/engraving";
import type { BarTime } from "@/lib/score/score";

type Props = {
  boxes: readonly BarBox[];
  bars: readonly BarTime[];
  loop: Loop | null;
  /** Bars with corrections that are not saved yet. */
  unsaved: ReadonlySet<number>;
  onJump: (bar: number) => void;
  onSelect: (from: number, to: number) => void;
};

function inLoop(bar: BarTime | undefined, loop: Loop | null): boolean {
  return !!bar && !!loop && bar.start >= loop.start - 0.001 && bar.end <= loop.end + 0.001;
}

/** One button for each bar over the engraving: press to jump, drag over several (or Shift and arrows) to loop them. */
export const BarLayer = memo(function BarLayer({ boxes, bars, loop, unsaved, onJump, onSelect }: Props) {
  const layer = useRef<HTMLDivElement>(null);
  const anchor = useRef<number | null>(null);
  const dragged = useRef(false);
  const selection = useRef<[number, number]>([0, 0]);

  const focus = (index: number) => layer.current?.querySelector<HTMLElement>(`[data-bar="${index}"]`)?.focus();

  const barUnder = (event: { clientX: number; clientY: number }) => {
    const box = layer.current?.getBoundingClientRect();
    return box ? (barAtPoint(boxes, event.clientX - box.left, event.clientY - box.top)?.index ?? null) : null;
  };

  return (
    <div
      ref={layer}
      role="group"
      aria-label="Bars"
      className="score-screen-only absolute inset-0 touch-pan-y select-none will-change-transform"
      onPointerDown={(event) => {
        anchor.current = barUnder(event);
        dragged.current = false;
      }}
      onPointerMove={(event) => {
        const bar = event.buttons === 1 ? barUnder(event) : null;
        if (anchor.current === null || bar === null || (bar === anchor.current && !dragged.current)) return;
        dragged.current = true;
        onSelect(anchor.current, bar);
      }}
      onPointerUp={() => (anchor.current = null)}
    >
      {boxes.map((box) => {
        const looped = inLoop(bars[box.index], loop);
        return (
          <button
            key={box.index}
            type="button"
            data-bar={box.index}
            tabIndex={box.index === 0 ? 0 : -1}
            aria-label={`Bar ${bars[box.index]?.number ?? box.index + 1}${looped ? ", in the loop" : ""}${unsaved.has(box.index) ? ", unsaved changes" : ""}`}
            className={`bar-button absolute rounded ${looped ? "looped" : ""} ${unsaved.has(box.index) ? "unsaved" : ""}`}
            style={{ left: box.x, top: box.y, width: box.width, height: box.height }}
            onClick={(event) => {
              if (dragged.current) dragged.current = false;
              else if (event.shiftKey) onSelect(selection.current[0], box.index);
              else {
                selection.current = [box.index, box.index];
                onJump(box.index);
              }
            }}
            onKeyDown={(event) => {
              const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
              if (!step) return;
              event.preventDefault();
              event.stopPropagation();
              const next = Math.min(boxes.length - 1, Math.max(0, box.index + step));
              if (event.shiftKey) onSelect((selection.current = [selection.current[0], next])[0], next);
              else {
                selection.current = [next, next];
                onJump(next);
              }
              focus(next);
            }}
          />
        );
      })}
    </div>
  );
});
