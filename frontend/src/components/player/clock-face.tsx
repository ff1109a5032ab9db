"use client";

import { useRef } from "react";

import type { Engine } from "@/lib/player/engine";
import type { Song } from "@/lib/player/state";
import { barAt } from "@/lib/score/score";
import { useFrame } from "./use-frame";

function minutes(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Bar and time that are heard; written past React, sixty times a second. */
export function ClockFace({ engine, song }: { engine: Engine; song: Song }) {
  const bar = useRef<HTMLSpanElement>(null);
  const time = useRef<HTMLSpanElement>(null);
  useFrame(() => {
    const now = engine.now();
    const number = String(song.bars[barAt(song.bars, now)]?.number ?? 1);
    if (bar.current && bar.current.textContent !== number) bar.current.textContent = number;
    const text = `${minutes(now)} / ${minutes(song.duration)}`;
    if (time.current && time.current.textContent !== text) time.current.textContent = text;
  });
  return (
    <div className="figures flex min-w-20 flex-col leading-tight">
      <span className="font-semibold">
        Bar <span ref={bar} data-testid="bar-now" />
      </span>
      <span ref={time} className="text-sm text-soft" data-testid="time-now" />
    </div>
  );
}
