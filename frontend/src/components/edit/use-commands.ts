"use client";

import { useState } from "react";

import { useStand } from "@/components/score/stand";
import * as commands from "@/lib/edit/commands";
import type { Answer } from "@/lib/edit/commands";
import type { Level } from "@/lib/edit/kit";
import { LEVELS } from "@/lib/edit/kit";
import { noteAt, usualVelocity, type EditNote } from "@/lib/edit/notes";
import { placeName } from "@/lib/edit/places";
import { drumName } from "@/lib/score/drums";

import type { OpenBar } from "./use-bar";
import type { Editing } from "./use-editing";
import { useSound } from "./use-sound";

export interface Cell {
  drum: string;
  onset: string;
}

/** What can be done to the open bar; every command is one step of undo, is heard and is told. */
export function useCommands(editing: Editing, bar: OpenBar) {
  const { score } = useStand();
  const sound = useSound();
  const [said, say] = useState("");
  const { store, shown, looking, writing } = editing;
  const locked = looking || writing || editing.behind;
  const named = (drum: string, onset: string) => `${drumName(drum)} on ${placeName(onset, bar.unit).spoken}`;
  const at = ({ drum, onset }: Cell) => noteAt(bar.content.notes, onset, drum);

  const take = ({ actions, said: words }: Answer, gesture?: string): boolean => {
    if (locked) return false;
    if (words) say(words);
    store.take(shown, actions, gesture);
    return actions.length > 0;
  };

  const put = (cell: Cell): boolean => {
    const velocity = usualVelocity(score, cell.drum);
    const isDone = take(commands.put(bar.content, { bar: bar.at, ...cell }, velocity, () => store.freshId(), named));
    if (isDone) sound(cell.drum, velocity);
    return isDone;
  };
  const remove = (note: EditNote) => take(commands.remove(note, named));
  const move = (note: EditNote, to: Cell): boolean => {
    const isDone = take(commands.move(bar.content, note, { bar: bar.at, ...to }, named));
    if (isDone && to.drum !== note.drum) sound(to.drum, note.velocity);
    return isDone;
  };
  const loudness = (note: EditNote, velocity: number, gesture?: string) => take(commands.loudness(note, velocity), gesture);
  const level = (note: EditNote, wanted: Level) => {
    if (take(commands.level(note, wanted))) sound(note.drum, LEVELS[wanted]);
  };
  const flam = (note: EditNote) => take(commands.flam(note));
  const confirm = (notes: readonly EditNote[]) => take(commands.confirm(notes, editing.state.draft, named));
  const current = !locked && editing.state.revision === shown;
  const canUndo = current && editing.state.steps.length > 0;
  const canRedo = current && editing.state.undone.length > 0;
  /** With nothing unsaved, what is undone is the tempo, metre or bars that were just changed: the version before comes back. */
  const canGoBack = !locked && editing.state.steps.length === 0 && editing.changed !== null;
  const undo = () => {
    if (canGoBack) {
      editing.save({ restore: editing.changed ?? 1 });
      say("The version before is written again");
    }
    if (!canUndo) return;
    store.undo();
    say("Undone");
  };
  const redo = () => {
    if (!canRedo) return;
    store.redo();
    say("Done again");
  };
  return { at, take, put, remove, move, loudness, level, flam, confirm, undo, redo, canUndo: canUndo || canGoBack, canRedo, named, locked, said, say };
}

export type Commands = ReturnType<typeof useCommands>;
