"use client";

import type { RefObject } from "react";
import { useEffect, useRef, useState } from "react";

import { doubtOf } from "@/lib/score/doubt";
import type { Engraving } from "@/lib/score/engraving";
import { OsmdEngraver } from "@/lib/score/osmd";
import type { ScoreDocument } from "@/lib/score/score";

interface Wanted {
  musicxml: string;
  score: ScoreDocument;
  zoom: number;
  barsPerLine: number;
}

const SETTLED_MS = 150; // a window that is being resized is drawn once it rests

/** Engraves into a host and again whenever its width, the zoom or the bars per line change. */
export function useEngraving(host: RefObject<HTMLDivElement | null>, wanted: Wanted): { engraving: Engraving | null; failed: boolean } {
  const { musicxml, score, zoom, barsPerLine } = wanted;
  const [engraver, setEngraver] = useState<OsmdEngraver | null>(null);
  const [engraving, setEngraving] = useState<Engraving | null>(null);
  const [failed, setFailed] = useState(false);
  const width = useRef(0);

  useEffect(() => {
    const target = host.current;
    if (!target) return;
    let gone = false;
    OsmdEngraver.load(target, musicxml, score).then(
      (made) => (gone ? made.clear() : setEngraver(made)),
      () => !gone && setFailed(true),
    );
    return () => {
      gone = true;
      target.replaceChildren();
    };
  }, [host, musicxml, score]);

  useEffect(() => {
    const target = host.current;
    if (!engraver || !target) return;
    const draw = () => {
      width.current = target.clientWidth;
      const drawn = engraver.draw(zoom, barsPerLine);
      for (const { element, note } of drawn.heads) element?.classList.add(doubtOf(note.confidence));
      setEngraving(drawn);
    };
    draw();
    let timer = 0;
    const observer = new ResizeObserver(() => {
      if (target.clientWidth === width.current) return;
      window.clearTimeout(timer);
      timer = window.setTimeout(draw, SETTLED_MS);
    });
    observer.observe(target);
    return () => {
      window.clearTimeout(timer);
      observer.disconnect();
    };
  }, [host, engraver, zoom, barsPerLine]);

  return { engraving, failed };
}
