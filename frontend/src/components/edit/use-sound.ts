"use client";

import { useEffect, useRef } from "react";

import { renderKit } from "@/lib/player/kit";

/** Sounds single strokes, so that one hears what one writes. Silent where the browser gives no sound. */
export function useSound(): (drum: string, velocity: number) => void {
  const context = useRef<AudioContext | null>(null);
  const kit = useRef(new Map<string, AudioBuffer>());
  useEffect(() => () => void context.current?.close(), []);
  return (drum, velocity) => {
    const device = (context.current ??= new AudioContext());
    const strike = (buffer: AudioBuffer) => {
      const source = device.createBufferSource();
      const gain = device.createGain();
      gain.gain.value = 0.05 + 0.6 * velocity ** 1.7;
      source.buffer = buffer;
      source.connect(gain).connect(device.destination);
      source.start();
    };
    const known = kit.current.get(drum);
    if (known) return strike(known);
    void renderKit(device.sampleRate, [drum]).then((rendered) => {
      const buffer = rendered.get(drum);
      if (!buffer) return;
      kit.current.set(drum, buffer);
      strike(buffer);
    });
  };
}
