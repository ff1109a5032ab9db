"use client";

import { ChevronLeft, ChevronRight, Pause, Play, Repeat } from "lucide-react";

import { SwitchButton } from "@/components/player/switch-button";
import { usePlayerState } from "@/components/player/use-player";
import { useStand } from "@/components/score/stand";
import { STEPS, type GridStep } from "@/lib/edit/places";

import type { OpenBar } from "./use-bar";

const SQUARE = "inline-flex size-11 items-center justify-center rounded-lg hover:bg-sunk disabled:opacity-50 [&_svg]:size-5";

type Props = {
  bar: OpenBar;
  chosen: GridStep | null;
  onChoose: (step: GridStep | null) => void;
  follow: boolean;
  onFollow: () => void;
};

/** Which bar, heard how, on which grid. */
export function BarTools({ bar, chosen, onChoose, follow, onFollow }: Props) {
  const { engine, song } = useStand();
  const { playing, loop, ready } = usePlayerState(engine);
  const time = song.bars[bar.at];
  const looped = !!loop && !!time && Math.abs(loop.start - time.start) < 0.01 && Math.abs(loop.end - time.end) < 0.01;
  return (
    <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
      <div className="flex items-center">
        <button type="button" className={SQUARE} aria-label="Edit the bar before" disabled={bar.at === 0} onClick={() => bar.go(bar.at - 1)}>
          <ChevronLeft aria-hidden />
        </button>
        <h2 className="figures min-w-16 text-center font-semibold" aria-live="polite">
          Bar {bar.number}
        </h2>
        <button type="button" className={SQUARE} aria-label="Edit the bar after" disabled={bar.at >= song.bars.length - 1} onClick={() => bar.go(bar.at + 1)}>
          <ChevronRight aria-hidden />
        </button>
      </div>
      <div className="flex items-center">
        <button type="button" className={SQUARE} aria-label={playing ? "Pause the song" : "Play the song"} disabled={!ready} onClick={() => engine.toggle()}>
          {playing ? <Pause aria-hidden /> : <Play aria-hidden />}
        </button>
        <SwitchButton on={looped} label="Loop this bar" onClick={() => engine.setLoop(looped || !time ? null : { start: time.start, end: time.end })}>
          <Repeat aria-hidden />
        </SwitchButton>
        <span className="max-sm:hidden">
          <SwitchButton wide on={follow} label="The grid follows the music" onClick={onFollow}>
            Follow
          </SwitchButton>
        </span>
      </div>
      <label className="flex items-center gap-2 text-sm">
        <span className="max-sm:sr-only">Grid</span>
        <select className="control w-auto! text-sm!" value={chosen ?? ""} onChange={(event) => onChoose((event.target.value || null) as GridStep | null)}>
          <option value="">As written: {STEPS.find(({ step }) => step === bar.step)?.name}</option>
          {STEPS.map(({ step, name }) => (
            <option key={step} value={step}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
