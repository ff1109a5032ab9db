"use client";

import type { RefObject } from "react";
import { useEffect, useRef, useState } from "react";

import { doubtOf } from "@/lib/score/doubt";
import { ScoreEngraver } from "@/lib/score/engraver";
import type { Engraving } from "@/lib/score/engraving";
import type { ScoreDocument } from "@/lib/score/score";

interface Wanted {
  musicxml: string;
  score: ScoreDocument;
  zoom: number;
  barsPerLine: number;
}

const SETTLED_MS = 150; // a window that is being resized, or a size still being chosen, is drawn once it rests

/** Engraves into a view, and again whenever score, width, zoom or bars per line change; the old picture stays until then. */
export function useEngraving(view: RefObject<HTMLDivElement | null>, stage: RefObject<HTMLDivElement | null>, wanted: Wanted) {
  const { musicxml, score, zoom, barsPerLine } = wanted;
  const engraver = useRef<ScoreEngraver | null>(null);
  const [engraving, setEngraving] = useState<Engraving | null>(null);
  const [failed, setFailed] = useState(false);
  const drawn = useRef(false);

  useEffect(() => {
    if (!stage.current) return;
    const made = new ScoreEngraver(stage.current);
    engraver.current = made;
    drawn.current = false;
    return () => made.free();
  }, [stage]);

  useEffect(() => {
    const page = stage.current;
    const maker = engraver.current;
    if (!maker || !page) return;
    let gone = false;
    let width = 0;
    const draw = () => {
      width = page.clientWidth;
      if (width === 0) return; // out of sight: drawn when it is shown
      const show = (pictures: HTMLElement[], next: Engraving) => {
        for (const { element, note } of next.heads) element?.classList.add(doubtOf(note.confidence));
        view.current?.replaceChildren(...pictures);
        drawn.current = true;
        setEngraving(next);
        setFailed(false);
      };
      maker.draw({ zoom, barsPerLine }, show, !drawn.current).catch(() => !gone && setFailed(true));
    };
    let timer = 0;
    const later = () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(draw, SETTLED_MS);
    };
    try {
      maker.setScore(musicxml, score);
      if (drawn.current) later();
      else draw();
    } catch {
      timer = window.setTimeout(() => setFailed(true));
    }
    const observer = new ResizeObserver(() => page.clientWidth !== width && later());
    observer.observe(page);
    return () => {
      gone = true;
      window.clearTimeout(timer);
      observer.disconnect();
    };
  }, [view, stage, musicxml, score, zoom, barsPerLine]);

  return { engraving, failed };
}
