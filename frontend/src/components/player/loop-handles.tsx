"use client";

import type { KeyboardEvent, PointerEvent } from "react";

import type { Engine } from "@/lib/player/engine";
import { loopOverBars } from "@/lib/player/schedule";
import type { Song } from "@/lib/player/state";
import { barAt } from "@/lib/score/score";
import { usePlayerState } from "./use-player";

type Props = { engine: Engine; song: Song };

const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -Infinity, End: Infinity };

/** The two ends of the loop, to drag along the recording; they keep to bar lines. */
export function LoopHandles({ engine, song }: Props) {
  const { loop, loopOn } = usePlayerState(engine);
  if (!loop) return null;
  const { bars, duration } = song;
  const first = barAt(bars, loop.start + 0.001);
  const last = barAt(bars, loop.end - 0.001);

  const move = (isEnd: boolean, to: number) => {
    const bar = Math.min(bars.length - 1, Math.max(0, to));
    engine.setLoop(isEnd ? loopOverBars(bars, first, Math.max(first, bar)) : loopOverBars(bars, Math.min(last, bar), last));
  };
  const drag = (isEnd: boolean) => (event: PointerEvent<HTMLElement>) => {
    const wave = event.currentTarget.parentElement?.getBoundingClientRect();
    if (event.buttons !== 1 || !wave) return;
    const time = ((event.clientX - wave.left) / wave.width) * duration;
    // A bar belongs to the loop once the pointer has passed its middle.
    const half = (bars[barAt(bars, time)]?.end ?? 0) - (bars[barAt(bars, time)]?.start ?? 0);
    const bar = isEnd ? barAt(bars, time - half / 2) : barAt(bars, time + half / 2);
    if (bar !== (isEnd ? last : first)) move(isEnd, bar);
  };
  const press = (isEnd: boolean) => (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    move(isEnd, (isEnd ? last : first) + step);
  };

  return [false, true].map((isEnd) => {
    const bar = isEnd ? last : first;
    return (
      <span
        key={String(isEnd)}
        role="slider"
        tabIndex={0}
        aria-label={isEnd ? "End of the loop" : "Start of the loop"}
        aria-valuemin={1}
        aria-valuemax={bars.length}
        aria-valuenow={bar + 1}
        aria-valuetext={`Bar ${bars[bar]?.number ?? bar + 1}${loopOn ? "" : ", loop off"}`}
        className={`absolute inset-y-0 z-1 w-11 cursor-ew-resize touch-none rounded ${isEnd ? "" : "-translate-x-full"}`}
        style={{ left: `${((isEnd ? loop.end : loop.start) / duration) * 100}%` }}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={drag(isEnd)}
        onKeyDown={press(isEnd)}
      >
        <span aria-hidden className={`absolute inset-y-0 flex w-3 items-center justify-center bg-accent ${isEnd ? "left-0 rounded-r-md" : "right-0 rounded-l-md"} ${loopOn ? "" : "opacity-50"}`}>
          <span className="h-1/3 w-0.5 rounded bg-on-accent" />
        </span>
      </span>
    );
  });
}
