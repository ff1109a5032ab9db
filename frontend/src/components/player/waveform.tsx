"use client";

import type { PointerEvent } from "react";
import { useEffect, useRef } from "react";

import type { Engine } from "@/lib/player/engine";
import { loopOverBars } from "@/lib/player/schedule";
import type { Song } from "@/lib/player/state";
import { barAt } from "@/lib/score/score";
import { LoopHandles } from "./loop-handles";
import { SoundNotice } from "./sound-notice";
import { drawWave } from "./wave-drawing";
import { useFrame } from "./use-frame";
import { usePlayerState } from "./use-player";

const DRAG = 12; // pixels from which a press becomes a selection

/** Draws again when what is drawn, the width or the colours change. */
function useDrawing(canvas: React.RefObject<HTMLCanvasElement | null>, engine: Engine, song: Song): void {
  const { peaks, loop, loopOn } = usePlayerState(engine);
  useEffect(() => {
    const target = canvas.current;
    if (!target) return;
    const draw = () => drawWave(target, { peaks, hits: song.hits, bars: song.bars, duration: song.duration, loop: loopOn ? loop : null });
    draw();
    const observer = new ResizeObserver(draw);
    observer.observe(target);
    const theme = new MutationObserver(draw);
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    const scheme = window.matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    return () => {
      observer.disconnect();
      theme.disconnect();
      scheme.removeEventListener("change", draw);
    };
  }, [canvas, peaks, song, loop, loopOn]);
}

/** The recording with the hits heard in it, or the hits alone: a press jumps there, a drag loops the bars under it. */
export function Waveform({ engine, song }: { engine: Engine; song: Song }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const needle = useRef<HTMLDivElement>(null);
  const pressed = useRef<{ x: number; time: number } | null>(null);
  const { sound } = usePlayerState(engine);
  useDrawing(canvas, engine, song);

  useFrame(() => {
    const width = canvas.current?.clientWidth ?? 0;
    const place = `translateX(${song.duration > 0 ? (engine.now() / song.duration) * width : 0}px)`;
    if (needle.current && needle.current.style.transform !== place) needle.current.style.transform = place;
  });

  const timeAt = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * song.duration;
  };

  return (
    <>
      <div className="waveform relative h-10 overflow-hidden rounded-lg bg-sunk sm:h-16">
        <canvas
          ref={canvas}
          className="size-full touch-pan-y"
          role="img"
          aria-label={`${sound === "written" ? "The drum part" : "The recording"} with ${song.hits.length} hits`}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            pressed.current = { x: event.clientX, time: timeAt(event) };
            engine.seek(timeAt(event));
          }}
          onPointerMove={(event) => {
            const from = pressed.current;
            if (!from || event.buttons !== 1 || Math.abs(event.clientX - from.x) < DRAG) return;
            const next = loopOverBars(song.bars, barAt(song.bars, from.time), barAt(song.bars, timeAt(event)));
            const { loop } = engine.snapshot();
            if (next && (next.start !== loop?.start || next.end !== loop.end)) engine.setLoop(next);
          }}
          onPointerUp={() => (pressed.current = null)}
          onPointerCancel={() => (pressed.current = null)}
        />
        <LoopHandles engine={engine} song={song} />
        <div ref={needle} aria-hidden className="pointer-events-none absolute inset-y-0 left-0 z-1 w-0.5 bg-accent will-change-transform" />
      </div>
      <SoundNotice engine={engine} />
    </>
  );
}
