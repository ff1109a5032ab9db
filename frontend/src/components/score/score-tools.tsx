"use client";

import { Maximize, Minimize, Minus, Plus, Printer, Settings2 } from "lucide-react";
import { useState } from "react";

import { SwitchButton } from "@/components/player/switch-button";
import type { FullPage } from "./use-full-page";
import type { ScoreLook } from "./use-score-look";
import { LARGEST, SMALLEST } from "./use-score-look";

type Props = {
  look: ScoreLook;
  change: (change: Partial<ScoreLook>) => void;
  doubtful: number;
  full: FullPage;
  printing: boolean;
  onPrint: (() => void) | null;
};

const SQUARE = "inline-flex size-11 items-center justify-center rounded-lg hover:bg-sunk disabled:opacity-50 [&_svg]:size-5";

/** Size, bars per line, how the score is drawn, and whether doubt is shown; on a phone most of it is folded away. */
export function ScoreTools({ look, change, doubtful, full, printing, onPrint }: Props) {
  const [unfolded, setUnfolded] = useState(false);
  return (
    <div role="group" aria-label="Score" className="no-print flex flex-wrap items-center gap-x-4 gap-y-1">
      <div role="group" aria-label="Size" className="flex items-center">
        <button type="button" className={SQUARE} aria-label="Smaller" disabled={look.zoom <= SMALLEST} onClick={() => change({ zoom: look.zoom - 0.1 })}>
          <Minus aria-hidden />
        </button>
        <span className="figures w-12 text-center text-sm">{Math.round(look.zoom * 100)} %</span>
        <button type="button" className={SQUARE} aria-label="Larger" disabled={look.zoom >= LARGEST} onClick={() => change({ zoom: look.zoom + 0.1 })}>
          <Plus aria-hidden />
        </button>
      </div>
      <div className={`score-options flex-wrap items-center gap-x-4 gap-y-1 max-xl:order-last max-xl:w-full xl:flex ${unfolded ? "flex" : "hidden"}`} id="score-options">
        <label className="flex items-center gap-2 text-sm">
          Bars per line
          <select className="control w-auto!" value={look.barsPerLine} onChange={(event) => change({ barsPerLine: Number(event.target.value) })}>
            <option value={0}>As many as fit</option>
            {[1, 2, 4, 8].map((count) => (
              <option key={count}>{count}</option>
            ))}
          </select>
        </label>
        <label className="flex items-center gap-2 text-sm">
          Drawn
          <select className="control w-auto!" value={look.engine} onChange={(event) => change({ engine: event.target.value === "pages" ? "pages" : "osmd" })}>
            <option value="osmd">To play along</option>
            <option value="pages">As printed pages</option>
          </select>
        </label>
        <SwitchButton wide on={look.tinted} label={`Mark doubtful notes, ${doubtful} of them`} title="Mark what was not heard clearly" onClick={() => change({ tinted: !look.tinted })}>
          {doubtful === 1 ? "1 doubtful note" : `${doubtful} doubtful notes`}
        </SwitchButton>
        <SwitchButton wide on={look.follow} label="Follow the music" onClick={() => change({ follow: !look.follow })}>
          Follow
        </SwitchButton>
      </div>
      <div className="flex items-center max-xl:ml-auto">
        {onPrint && (
          <button type="button" className={SQUARE} aria-label="Print" title="Print the pages" disabled={printing} onClick={onPrint}>
            <Printer aria-hidden />
          </button>
        )}
        <SwitchButton on={full.on} label="Score alone on the screen" title="Score alone on the screen (F)" onClick={full.toggle}>
          {full.on ? <Minimize aria-hidden /> : <Maximize aria-hidden />}
        </SwitchButton>
        <button type="button" className={`${SQUARE} xl:hidden`} aria-label="How the score is shown" aria-expanded={unfolded} aria-controls="score-options" onClick={() => setUnfolded(!unfolded)}>
          <Settings2 aria-hidden />
        </button>
      </div>
    </div>
  );
}
