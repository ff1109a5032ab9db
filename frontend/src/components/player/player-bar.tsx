"use client";

import { Minus, Pause, Play, Plus, Repeat, SkipBack, SkipForward, SlidersHorizontal, Timer } from "lucide-react";

import type { Engine } from "@/lib/player/engine";
import { FASTEST, SLOWEST } from "@/lib/player/clock";
import type { Song } from "@/lib/player/state";
import { ClockFace } from "./clock-face";
import { Metronome } from "./metronome-icon";
import { SwitchButton } from "./switch-button";
import { usePlayerState } from "./use-player";
import { jumpBars, loopHere } from "./use-shortcuts";

type Props = { engine: Engine; song: Song; mixerOpen: boolean; onMixer: () => void };

const SQUARE = "inline-flex size-11 items-center justify-center rounded-lg hover:bg-sunk disabled:opacity-50 [&_svg]:size-5";

function Speed({ engine, rate }: { engine: Engine; rate: number }) {
  return (
    <div role="group" aria-label="Speed" className="flex items-center">
      <button type="button" className={SQUARE} aria-label="Slower" disabled={rate <= SLOWEST} onClick={() => engine.setRate(rate - 0.05)}>
        <Minus aria-hidden />
      </button>
      <button
        type="button"
        className="figures min-h-11 w-14 rounded-lg font-medium hover:bg-sunk"
        title="Back to normal speed"
        aria-label={`Speed ${Math.round(rate * 100)} per cent. Back to normal speed`}
        onClick={() => engine.setRate(1)}
      >
        {Math.round(rate * 100)} %
      </button>
      <button type="button" className={SQUARE} aria-label="Faster" disabled={rate >= FASTEST} onClick={() => engine.setRate(rate + 0.05)}>
        <Plus aria-hidden />
      </button>
    </div>
  );
}

/** Everything that is needed while playing, in reach of a thumb. */
export function PlayerBar({ engine, song, mixerOpen, onMixer }: Props) {
  const state = usePlayerState(engine);
  return (
    <div role="group" aria-label="Player" className="flex flex-wrap items-center justify-center gap-x-3 gap-y-1">
      <div className="flex items-center gap-1">
        <button type="button" className={SQUARE} aria-label="Bar before" onClick={() => jumpBars(engine, song, -1)}>
          <SkipBack aria-hidden />
        </button>
        <button
          type="button"
          aria-label={state.playing ? "Pause" : "Play"}
          disabled={!state.ready}
          onClick={() => engine.toggle()}
          className="inline-flex size-14 items-center justify-center rounded-full bg-accent text-on-accent hover:bg-accent/90 disabled:opacity-50 [&_svg]:size-6"
        >
          {state.playing ? <Pause aria-hidden /> : <Play aria-hidden className="translate-x-0.5" />}
        </button>
        <button type="button" className={SQUARE} aria-label="Bar after" onClick={() => jumpBars(engine, song, 1)}>
          <SkipForward aria-hidden />
        </button>
      </div>
      <ClockFace engine={engine} song={song} />
      <Speed engine={engine} rate={state.rate} />
      <div className="flex items-center gap-1">
        <SwitchButton on={state.loop !== null && state.loopOn} label="Loop" title="Loop this bar (L); drag over bars to loop more" onClick={() => loopHere(engine, song)}>
          <Repeat aria-hidden />
        </SwitchButton>
        <SwitchButton on={state.clickOn} label="Click" title="Click on every beat (M)" onClick={() => engine.toggleClick()}>
          <Metronome />
        </SwitchButton>
        <SwitchButton on={state.countInOn} label="Count-in" title="One bar of clicks before playing (C)" onClick={() => engine.toggleCountIn()}>
          <Timer aria-hidden />
        </SwitchButton>
        <SwitchButton on={mixerOpen} label="Mixer" onClick={onMixer}>
          <SlidersHorizontal aria-hidden />
        </SwitchButton>
      </div>
    </div>
  );
}
