"use client";

import type { RefObject } from "react";
import { useMemo, useRef } from "react";

import { useFrame } from "@/components/player/use-frame";
import { useStand } from "@/components/score/stand";
import type { Column } from "@/lib/edit/places";
import { onsetsOf, quarterAt, quarters } from "@/lib/score/score";

type Props = { grid: RefObject<HTMLElement | null>; at: number; columns: readonly Column[] };

/** A line over the grid where the music is, while it is in this bar. */
export function Playhead({ grid, at, columns }: Props) {
  const { engine, song, score } = useStand();
  const line = useRef<HTMLDivElement>(null);
  const onsets = useMemo(() => onsetsOf(score, song.bars, at), [score, song, at]);
  const places = useMemo(() => columns.map(({ onset }) => quarters(onset)), [columns]);
  useFrame(() => {
    const bar = song.bars[at];
    const now = engine.now();
    if (!line.current || !bar) return;
    const inside = engine.snapshot().playing && now >= bar.start && now < bar.end;
    line.current.style.visibility = inside ? "visible" : "hidden";
    if (!inside) return;
    const quarter = quarterAt(onsets, now);
    const column = Math.max(0, places.findLastIndex((place) => place <= quarter));
    const cells = grid.current?.querySelectorAll<HTMLElement>("[role=columnheader]");
    const cell = cells?.[column + 1]; // the first heads the names
    if (!cell) return;
    const from = places[column] ?? 0;
    const to = places[column + 1] ?? onsets.at(-1)?.quarter ?? from + 1;
    line.current.style.transform = `translateX(${cell.offsetLeft + ((quarter - from) / (to - from)) * cell.offsetWidth}px)`;
  });
  return <div ref={line} aria-hidden className="pointer-events-none invisible absolute inset-y-0 left-0 z-1 w-0.5 bg-accent" />;
}
