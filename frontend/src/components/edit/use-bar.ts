"use client";

import { useEffect, useLayoutEffect, useMemo, useRef } from "react";

import { useFrame } from "@/components/player/use-frame";
import { useStand } from "@/components/score/stand";
import type { Draft } from "@/lib/edit/draft";
import { indexNotes, notesOf, type BarNotes, type NoteIndex } from "@/lib/edit/notes";
import { columnsOf, fraction, stepFor, type Column, type GridStep } from "@/lib/edit/places";
import { barAt } from "@/lib/score/score";

export interface OpenBar {
  at: number;
  /** As printed. */
  number: number;
  /** In how many parts the metre counts a whole note. */
  unit: number;
  content: BarNotes;
  columns: Column[];
  step: GridStep;
  index: NoteIndex;
  go: (bar: number) => void;
}

/** The bar that is open in the editor: the one pressed in the score, or the one that is heard. */
export function useBar(draft: Draft, chosen: GridStep | null, follow: boolean): OpenBar {
  const { engine, song, score, selectedBar, selectBar } = useStand();
  const index = useMemo(() => indexNotes(score), [score]);
  const at = Math.min(selectedBar, score.bars.length - 1);
  const bar = score.bars[at];
  const content = useMemo(() => notesOf(index, score, draft, at), [index, score, draft, at]);
  const unit = bar?.time_signature.denominator ?? 4;

  const grid = useMemo(() => {
    const onsets = [...content.notes, ...content.deleted].map(({ onset }) => onset);
    const step = chosen ?? stepFor(onsets);
    const length = bar?.length ?? fraction(4 * (bar?.time_signature.numerator ?? 4), unit);
    return { step, columns: columnsOf(length, unit, step, onsets) };
  }, [content, chosen, bar, unit]);

  // A new version may have other bars: stay at the same moment of the song
  const moment = useRef(0);
  const known = useRef(song);
  useLayoutEffect(() => {
    if (known.current === song) return;
    known.current = song;
    selectBar(barAt(song.bars, moment.current + 0.05));
  }, [song, selectBar]);
  useEffect(() => {
    moment.current = song.bars[at]?.start ?? 0;
  });

  // The place heard leads: always where it is set by hand, while playing only where one wants to follow
  const heard = useRef(-1);
  useFrame(() => {
    const now = barAt(song.bars, engine.now());
    const { playing } = engine.snapshot();
    if (now === heard.current) return;
    const isFirst = heard.current < 0;
    heard.current = now;
    if (!isFirst && (!playing || follow)) selectBar(now);
  });

  const go = (to: number) => {
    const target = song.bars[Math.min(song.bars.length - 1, Math.max(0, to))];
    if (!target) return;
    selectBar(target.index);
    const { loop, loopOn } = engine.snapshot();
    if (loop && loopOn) engine.setLoop({ start: target.start, end: target.end });
    else if (!engine.snapshot().playing) engine.seek(target.start);
  };
  return { at, number: bar?.number ?? at + 1, unit, content, index, go, ...grid };
}
