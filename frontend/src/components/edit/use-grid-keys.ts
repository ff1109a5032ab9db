"use client";

import type { KeyboardEvent } from "react";

import { drumOfKey } from "@/lib/edit/kit";
import type { EditNote } from "@/lib/edit/notes";

import type { OpenBar } from "./use-bar";
import type { Clips } from "./use-clipboard";
import type { Cell, Commands } from "./use-commands";

type Keys = {
  bar: OpenBar;
  rows: readonly string[];
  commands: Commands;
  cell: Cell;
  focus: (cell: Cell) => void;
  clips: Clips;
};

const FINE = 0.05;

/** What a key does to a note: for the grid and for the review alike. False: it does nothing. */
export function pressOnNote(key: string, note: EditNote, commands: Commands, relabel: (drum: string) => void): boolean {
  const drum = drumOfKey(key);
  if (drum) relabel(drum);
  else if (key === "Delete" || key === "Backspace") commands.remove(note);
  else if (key === "]") commands.loudness(note, note.velocity + FINE, `louder ${note.id}`);
  else if (key === "[") commands.loudness(note, note.velocity - FINE, `louder ${note.id}`);
  else if (key === "f") commands.flam(note);
  else if (key === "g") commands.level(note, "ghost");
  else if (key === "n") commands.level(note, "normal");
  else if (key === "a") commands.level(note, "accent");
  else if (key === "y") commands.confirm([note]);
  else return false;
  return true;
}

/** The keys of the grid. Arrows walk, with Shift they take the note along; at a border they go on in the next bar. */
export function useGridKeys({ bar, rows, commands, cell, focus, clips }: Keys) {
  const column = bar.columns.findIndex(({ onset }) => onset === cell.onset);
  const row = rows.indexOf(cell.drum);

  const walk = (right: number, down: number, note: EditNote | undefined, carry: boolean) => {
    const drum = rows[Math.min(rows.length - 1, Math.max(0, row + down))] ?? cell.drum;
    const next = bar.columns[column + right];
    if (!next && !carry && right !== 0) return bar.go(bar.at + right);
    const to = { drum, onset: next?.onset ?? cell.onset };
    if (carry && note && !commands.move(note, to)) return;
    focus(to);
  };

  const press = (key: string, shift: boolean, note: EditNote | undefined): boolean => {
    const steps: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[key];
    const ends: Record<string, number> = { Home: 0, End: bar.columns.length - 1 };
    const end = ends[key];
    const relabel = (drum: string) => {
      const to = { drum, onset: cell.onset };
      const isDone = note ? commands.move(note, to) : commands.at(to) === undefined && commands.put(to);
      if (isDone) focus(to);
    };
    if (step) walk(...step, note, shift);
    else if (end !== undefined) focus({ ...cell, onset: bar.columns[end]?.onset ?? cell.onset });
    else if (key === "PageUp" || key === "PageDown") bar.go(bar.at + (key === "PageUp" ? -1 : 1));
    else if (shift && note && (key === "Enter" || key === " ")) clips.pick(note.id);
    else if (clips.strokes.length > 0 && (key === "Delete" || key === "Backspace")) clips.clear("deleted");
    else if (clips.strokes.length > 0 && key === "Escape") clips.forget();
    else if (key === "Enter" || key === " ") void (note ? commands.remove(note) : commands.put(cell));
    else if (note) return pressOnNote(key, note, commands, relabel);
    else if (drumOfKey(key)) relabel(drumOfKey(key) ?? "");
    else return false;
    return true;
  };

  return (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!press(key, event.shiftKey, commands.at(cell))) return;
    event.preventDefault();
    event.stopPropagation();
  };
}
