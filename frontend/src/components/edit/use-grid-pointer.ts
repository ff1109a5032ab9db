"use client";

import type { PointerEvent, RefObject } from "react";
import { useRef, useState } from "react";

import type { EditNote } from "@/lib/edit/notes";

import type { Clips } from "./use-clipboard";
import type { Cell, Commands } from "./use-commands";

const MOVED = 6; // pixels: less is a shaky finger

function cellOf(element: Element | null): Cell | null {
  const cell = element?.closest<HTMLElement>("[data-onset]");
  const { drum, onset } = cell?.dataset ?? {};
  return drum && onset !== undefined ? { drum, onset } : null;
}

type Held = { note: EditNote | undefined; cell: Cell; x: number; y: number; wasSelected: boolean };

/** Press an empty place to add, a note to choose it, a chosen note to take it away; drag a note to move it. With Shift, notes are picked to be copied. */
export function useGridPointer(grid: RefObject<HTMLElement | null>, commands: Commands, selected: Cell, focus: (cell: Cell) => void, clips: Clips) {
  const held = useRef<Held | null>(null);
  const [target, setTarget] = useState<Cell | null>(null);

  const cellUnder = (event: PointerEvent): Cell | null => {
    const element = document.elementFromPoint(event.clientX, event.clientY);
    return element && grid.current?.contains(element) ? cellOf(element) : null;
  };
  const drop = () => {
    held.current = null;
    setTarget(null);
  };

  return {
    target,
    handlers: {
      onPointerDown: (event: PointerEvent) => {
        const cell = event.button === 0 ? cellOf(event.target as Element) : null;
        if (!cell) return;
        const wasSelected = cell.drum === selected.drum && cell.onset === selected.onset;
        held.current = { cell, note: commands.at(cell), x: event.clientX, y: event.clientY, wasSelected };
      },
      onPointerMove: (event: PointerEvent) => {
        const { current } = held;
        if (!current?.note || commands.locked) return;
        if (!target && Math.hypot(event.clientX - current.x, event.clientY - current.y) < MOVED) return;
        if (!target) (event.currentTarget as Element).setPointerCapture(event.pointerId);
        const under = cellUnder(event);
        if (under) setTarget(under);
      },
      onPointerUp: (event: PointerEvent) => {
        const { current } = held;
        if (!current) return;
        const { note, cell, wasSelected } = current;
        if (target && note) {
          if (commands.move(note, target)) focus(target);
        } else {
          focus(cell);
          if (event.shiftKey && note) clips.pick(note.id);
          else if (clips.strokes.length > 0) clips.forget();
          else if (!note) commands.put(cell);
          else if (wasSelected) commands.remove(note);
        }
        drop();
      },
      onPointerCancel: drop,
    },
  };
}
