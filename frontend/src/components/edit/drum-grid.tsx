"use client";

import "./edit.css";

import type { FocusEvent } from "react";
import { useRef } from "react";

import type { NoteId } from "@/lib/edit/draft";
import { DRUM_KEYS, SHORT_NAMES } from "@/lib/edit/kit";
import { noteAt } from "@/lib/edit/notes";
import { drumName } from "@/lib/score/drums";

import { GridCell } from "./grid-cell";
import { Playhead } from "./playhead";
import type { OpenBar } from "./use-bar";
import type { Clips } from "./use-clipboard";
import type { Cell, Commands } from "./use-commands";
import { useGridKeys } from "./use-grid-keys";
import { useGridPointer } from "./use-grid-pointer";

type Props = { bar: OpenBar; rows: readonly string[]; commands: Commands; cell: Cell; onCell: (cell: Cell) => void; clips: Clips; refused: NoteId | null };

const same = (one: Cell | null, drum: string, onset: string) => one?.drum === drum && one.onset === onset;

/** One bar as a grid of drums and places: by pointer, by finger and by keyboard. */
export function DrumGrid({ bar, rows, commands, cell, onCell, clips, refused }: Props) {
  const grid = useRef<HTMLDivElement>(null);
  const focus = (to: Cell) => {
    onCell(to);
    // Once the row of a drum that was not shown is there
    requestAnimationFrame(() => grid.current?.querySelector<HTMLElement>(`[data-drum="${to.drum}"][data-onset="${to.onset}"]`)?.focus());
  };
  const onKeyDown = useGridKeys({ bar, rows, commands, cell, focus, clips });
  const { target, handlers } = useGridPointer(grid, commands, cell, focus, clips);
  const { notes, deleted } = bar.content;
  const picked = new Set(clips.strokes.map(({ id }) => id));

  return (
    <div className="drum-grid overflow-x-auto overscroll-x-contain rounded-lg border border-line">
      <div
        ref={grid}
        role="grid"
        aria-label={`Bar ${bar.number}`}
        aria-multiselectable
        aria-readonly={commands.locked}
        className={`relative w-max min-w-full select-none ${commands.locked ? "opacity-60" : ""}`}
        style={{ "--columns": bar.columns.length } as React.CSSProperties}
        onKeyDown={onKeyDown}
        onFocus={({ target: { dataset } }: FocusEvent<HTMLElement>) => dataset.drum && dataset.onset !== undefined && onCell({ drum: dataset.drum, onset: dataset.onset })}
        {...handlers}
      >
        <div role="row" className="drum-row text-center text-sm text-soft">
          <span role="columnheader" className="drum-names px-2 text-left leading-7">
            Drum
          </span>
          {bar.columns.map((column) => (
            <span key={column.onset} role="columnheader" aria-label={column.spoken} className={`leading-7 ${column.beat ? "font-semibold text-ink" : ""}`}>
              {column.label}
            </span>
          ))}
        </div>
        {rows.map((drum) => (
          <div key={drum} role="row" className="drum-row">
            <span role="rowheader" aria-label={drumName(drum)} title={drumName(drum)} className="drum-names flex items-center justify-between gap-1 border-t border-line px-2 text-sm whitespace-nowrap">
              {SHORT_NAMES[drum] ?? drumName(drum)}
              <kbd aria-hidden className="hidden font-sans text-xs text-soft uppercase pointer-fine:inline">
                {DRUM_KEYS[drum]}
              </kbd>
            </span>
            {bar.columns.map((column) => {
              const note = noteAt(notes, column.onset, drum);
              const gone = noteAt(deleted, column.onset, drum);
              const isHere = same(cell, drum, column.onset);
              return (
                <GridCell
                  key={column.onset}
                  drum={drum}
                  column={column}
                  note={note}
                  gone={gone !== undefined}
                  selected={note !== undefined && (isHere || picked.has(note.id))}
                  picked={note !== undefined && picked.has(note.id)}
                  refused={refused !== null && (note ?? gone)?.id === refused}
                  tabbable={isHere}
                  target={same(target, drum, column.onset)}
                  locked={commands.locked}
                />
              );
            })}
          </div>
        ))}
        <Playhead grid={grid} at={bar.at} columns={bar.columns} />
      </div>
    </div>
  );
}
