"use client";

import { useEffect, useRef } from "react";

import type { Engine } from "@/lib/player/engine";
import type { Song } from "@/lib/player/state";
import { drawWave } from "./wave-drawing";
import { useFrame } from "./use-frame";
import { usePlayerState } from "./use-player";

/** The recording with the hits heard in it; a press jumps there. */
export function Waveform({ engine, song }: { engine: Engine; song: Song }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const needle = useRef<HTMLDivElement>(null);
  const { peaks, loop, loaded, status, message } = usePlayerState(engine);

  useEffect(() => {
    const target = canvas.current;
    if (!target) return;
    const draw = () => drawWave(target, { peaks, hits: song.hits, bars: song.bars, duration: song.duration, loop });
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
  }, [peaks, song, loop]);

  useFrame(() => {
    const width = canvas.current?.clientWidth ?? 0;
    const place = `translateX(${(engine.now() / song.duration) * width}px)`;
    if (needle.current && needle.current.style.transform !== place) needle.current.style.transform = place;
  });

  return (
    <div className="relative h-10 sm:h-16 overflow-hidden rounded-lg bg-sunk">
      <canvas
        ref={canvas}
        className="size-full"
        role="img"
        aria-label={`The recording with ${song.hits.length} hits`}
        onPointerDown={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          engine.seek(((event.clientX - box.left) / box.width) * song.duration);
        }}
      />
      <div ref={needle} aria-hidden className="pointer-events-none absolute inset-y-0 left-0 w-0.5 bg-accent will-change-transform" />
      {status === "failed" && <p role="alert" className="absolute inset-0 bg-bad-wash p-4 text-bad">{message}</p>}
      {status !== "failed" && loaded < 1 && (
        <p className="pointer-events-none absolute right-2 bottom-1 text-xs text-soft">Loading the recording: {Math.round(loaded * 100)} %</p>
      )}
    </div>
  );
}
