"use client";

import { useEffect, useMemo, useRef, useState } from "react";

import { useFrame } from "@/components/player/use-frame";
import type { Engine } from "@/lib/player/engine";
import type { Song } from "@/lib/player/state";
import type { Engraving } from "@/lib/score/engraving";
import { xOf } from "@/lib/score/engraving";
import type { ScoreDocument } from "@/lib/score/score";
import { barAt, onsetsOf, quarterAt } from "@/lib/score/score";
import { scrollBy, scrollFor, seenOf } from "./follow";

type Props = { engine: Engine; song: Song; score: ScoreDocument; engraving: Engraving; follow: boolean };

const ANNOUNCED_EVERY_MS = 4000; // a screen reader is told the bar no more often than it can say it

/** The line that moves through the score with what is heard, and the bar it is in, told to screen readers. */
export function Cursor({ engine, song, score, engraving, follow }: Props) {
  const line = useRef<HTMLDivElement>(null);
  const shade = useRef<HTMLDivElement>(null);
  const shown = useRef(-1);
  const drawn = useRef(-1);
  const announcedAt = useRef(0);
  const [announced, setAnnounced] = useState("");
  const onsets = useMemo(() => song.bars.map((bar) => onsetsOf(score, song.bars, bar.index)), [score, song]);

  useEffect(() => {
    shown.current = -1;
  }, [engraving]);

  useFrame(() => {
    const now = engine.now();
    const index = barAt(song.bars, now);
    const box = engraving.bars[index];
    if (!box || !line.current || !shade.current) return;
    if (now === drawn.current && shown.current === index) return;
    drawn.current = now;
    const x = xOf(box, quarterAt(onsets[index] ?? [], now));
    line.current.dataset.place = now.toFixed(3);
    line.current.style.transform = `translate(${x}px, ${box.y}px)`;
    if (shown.current === index) return;
    shown.current = index;
    line.current.style.height = `${box.height}px`;
    shade.current.style.transform = `translate(${box.x}px, ${box.y}px)`;
    shade.current.style.width = `${box.width}px`;
    shade.current.style.height = `${box.height}px`;
    const { playing, loop, loopOn } = engine.snapshot();
    if (follow && playing && shade.current.parentElement) {
      const returns = loop && loopOn && song.bars[index + 1] && (song.bars[index]?.end ?? 0) >= loop.end - 0.001;
      const next = engraving.bars[returns ? barAt(song.bars, loop.start + 0.001) : index + 1];
      const nextLine = returns ? next : engraving.bars.slice(index + 1, index + 20).find((other) => other.y > box.y);
      const page = shade.current.parentElement.getBoundingClientRect();
      const scale = page.width > 0 ? page.width / engraving.width : 1;
      const far = scrollFor(box, next, nextLine, seenOf(shade.current.parentElement, scale));
      if (Math.abs(far) > 1) scrollBy(shade.current, far * scale);
    }
    if (performance.now() - announcedAt.current < ANNOUNCED_EVERY_MS) return;
    announcedAt.current = performance.now();
    setAnnounced(`Bar ${song.bars[index]?.number ?? index + 1} of ${song.bars.length}`);
  });

  return (
    <div className="score-screen-only absolute inset-0">
      <div ref={shade} aria-hidden className="pointer-events-none absolute top-0 left-0 rounded bg-accent/8 will-change-transform" />
      <div ref={line} aria-hidden data-testid="cursor" className="pointer-events-none absolute top-0 left-0 -ml-px w-0.5 bg-accent will-change-transform" />
      <p aria-live="polite" className="sr-only">
        {announced}
      </p>
    </div>
  );
}
