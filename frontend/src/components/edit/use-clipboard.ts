"use client";

import { useEffect, useRef, useState, useSyncExternalStore } from "react";

import { usePlayerState } from "@/components/player/use-player";
import { useStand } from "@/components/score/stand";
import { clipboard, clipOf, paste, without, type Target } from "@/lib/edit/clipboard";
import type { NoteId } from "@/lib/edit/draft";
import { notesOf } from "@/lib/edit/notes";
import { plural } from "@/lib/format";
import { quarters } from "@/lib/score/score";

import type { OpenBar } from "./use-bar";
import type { Commands } from "./use-commands";
import type { Editing } from "./use-editing";

const TYPED_IN = "input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable], dialog";

/** Copy, cut and paste of picked strokes or of bars: those in the loop round the open bar, else the open bar. */
export function useClipboard(editing: Editing, bar: OpenBar, commands: Commands) {
  const { engine, song, score } = useStand();
  const { loop, loopOn } = usePlayerState(engine);
  const { clip } = useSyncExternalStore(clipboard.subscribe, clipboard.snapshot, clipboard.snapshot);
  const [picked, setPicked] = useState<{ bar: number; ids: ReadonlySet<NoteId> }>({ bar: 0, ids: new Set() });
  const { draft } = editing.state;

  const targetOf = (at: number): Target => {
    const { length, time_signature: metre } = score.bars[at]!;
    return { ...notesOf(bar.index, score, draft, at), length: length ? quarters(length) : (4 * metre.numerator) / metre.denominator };
  };
  const looped = loop && loopOn ? song.bars.filter(({ start, end }) => start > loop.start - 0.01 && end < loop.end + 0.01) : [];
  const around = looped.some(({ index }) => index === bar.at) ? looped.map(({ index }) => index) : [bar.at];
  const first = around[0] ?? bar.at;
  const strokes = bar.content.notes.filter(({ id }) => picked.bar === bar.at && picked.ids.has(id));
  const taken = strokes.length > 0 ? strokes : around.flatMap((at) => targetOf(at).notes);
  const numbers = [first, around.at(-1) ?? first].map((at) => score.bars[at]?.number ?? at + 1);
  const what = strokes.length > 0 ? plural(strokes.length, "stroke") : around.length > 1 ? `bars ${numbers[0]} to ${numbers[1]}` : `bar ${numbers[0]}`;
  const forget = () => setPicked({ bar: bar.at, ids: new Set() });

  const copy = () => {
    clipboard.keep(strokes.length > 0 ? clipOf(strokes, false, bar.at, 1) : clipOf(taken, true, first, around.length));
    commands.say(`${what} copied`);
  };
  const clear = (said = "cleared") => {
    commands.take({ actions: without(taken), said: `${what} ${said}` });
    forget();
  };
  const cut = () => {
    if (commands.locked) return;
    copy();
    clear("cut");
  };
  const put = () => {
    if (clip) commands.take(paste(clip, bar.at, 1, score.bars.length, targetOf, () => editing.store.freshId()));
  };
  /** The bars once more, and so many times, behind themselves. */
  const repeat = (times: number) => {
    const own = clipOf(around.flatMap((at) => targetOf(at).notes), true, first, around.length);
    commands.take(paste(own, first + around.length, times, score.bars.length, targetOf, () => editing.store.freshId()));
  };
  const pick = (id: NoteId) => {
    const ids = new Set(picked.bar === bar.at ? picked.ids : []);
    if (!ids.delete(id)) ids.add(id);
    setPicked({ bar: bar.at, ids });
  };
  return { clip, what, strokes, around, empty: taken.length === 0, copy, cut, put, clear, repeat, pick, forget };
}

export type Clips = ReturnType<typeof useClipboard>;

/** Ctrl or Cmd with C, X and V, unless somebody types or has marked text. */
export function useClipKeys(clips: Clips, enabled: boolean): void {
  const latest = useRef(clips);
  useEffect(() => {
    latest.current = clips;
  });
  useEffect(() => {
    if (!enabled) return;
    const press = (event: KeyboardEvent) => {
      const target = event.target instanceof Element ? event.target : null;
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || target?.closest(TYPED_IN)) return;
      const action = { c: latest.current.copy, x: latest.current.cut, v: latest.current.put }[event.key.toLowerCase()];
      if (!action || (window.getSelection()?.toString() ?? "") !== "") return;
      action();
      event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [enabled]);
}
