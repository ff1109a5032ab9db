"use client";

import "./score.css";

import { useCallback, useMemo, useRef } from "react";

import { usePlayerState } from "@/components/player/use-player";
import { loopOverBars } from "@/lib/player/schedule";
import { doubtOf } from "@/lib/score/doubt";
import { BarLayer } from "./bar-layer";
import { Cursor } from "./cursor";
import { Marks } from "./marks";
import { PrintedPages } from "./printed-pages";
import { ScoreTools } from "./score-tools";
import { useStand } from "./stand";
import { useEngraving } from "./use-engraving";
import { useScoreLook } from "./use-score-look";

type Props = { musicxml: string; pages: string | null; title: string; compact: boolean };

/** The score with a cursor in it: press a bar to hear it, drag over bars to loop them. */
export function ScoreView({ musicxml, pages, title, compact }: Props) {
  const { engine, song, score, selectBar } = useStand();
  const [look, change] = useScoreLook();
  const view = useRef<HTMLDivElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const { loop, loopOn } = usePlayerState(engine);
  const { engraving, failed } = useEngraving(view, stage, { musicxml, score, zoom: look.zoom, barsPerLine: look.barsPerLine });
  const doubtful = useMemo(
    () => score.bars.reduce((sum, bar) => sum + bar.notes.filter((note) => doubtOf(note.confidence) === "doubtful").length, 0),
    [score],
  );
  const jump = useCallback(
    (bar: number) => {
      selectBar(bar);
      engine.seek(song.bars[bar]?.start ?? 0);
    },
    [engine, song, selectBar],
  );
  const select = useCallback((from: number, to: number) => engine.setLoop(loopOverBars(song.bars, from, to)), [engine, song]);
  // A new size is seen at once, as the old picture made larger or smaller; it is engraved for it while nothing else happens.
  const scale = engraving ? look.zoom / engraving.zoom : 1;
  const printed = look.engine === "pages" && pages !== null && !compact;
  const tinted = look.tinted && !compact;

  return (
    <section aria-label={`Score: ${song.bars.length} bars`} className="flex flex-col gap-2">
      {!compact && <ScoreTools look={look} change={change} doubtful={doubtful} />}
      {failed && <p role="alert" className="rounded-lg bg-bad-wash p-4 text-bad">This score could not be drawn. Choose “As printed pages”, or download the PDF.</p>}
      <div className="score-sheet card p-2 sm:p-4">
        {printed && <PrintedPages address={pages} title={title} />}
        <div className={`relative overflow-clip ${printed ? "hidden" : ""}`} style={{ height: engraving ? engraving.height * scale : "12rem" }}>
          <div ref={stage} aria-hidden className="engraving-stage" />
          {!engraving && !failed && <p role="status" className="absolute inset-0 grid place-items-center text-soft">Drawing the score …</p>}
          <div className="origin-top-left" style={{ width: engraving?.width, height: engraving?.height, transform: scale === 1 ? undefined : `scale(${scale})` }}>
            <div ref={view} aria-hidden className={`engraving ${tinted ? "tinted" : ""}`} />
            {engraving && (
            <>
              <Marks engraving={engraving} tinted={tinted} />
              <Cursor engine={engine} song={song} score={score} engraving={engraving} follow={look.follow} />
              <BarLayer boxes={engraving.bars} bars={song.bars} loop={loopOn ? loop : null} onJump={jump} onSelect={select} />
            </>
            )}
          </div>
        </div>
      </div>
    </section>
  );
}
