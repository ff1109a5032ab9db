"use client";

import "./score.css";

import { useCallback, useMemo, useRef } from "react";

import { usePlayerState } from "@/components/player/use-player";
import { type Draft, fold } from "@/lib/edit/draft";
import { indexNotes, touchedBars } from "@/lib/edit/notes";
import { loopOverBars } from "@/lib/player/schedule";
import { doubtOf } from "@/lib/score/doubt";
import { BarLayer } from "./bar-layer";
import { Cursor } from "./cursor";
import { DoubtLegend } from "./doubt-legend";
import { Marks } from "./marks";
import { PrintedPages } from "./printed-pages";
import { ScoreTools } from "./score-tools";
import { useStand } from "./stand";
import { useEngraving } from "./use-engraving";
import type { FullPage } from "./use-full-page";
import { usePrinting } from "./use-printing";
import { useScoreLook } from "./use-score-look";

type Props = { musicxml: string; pages: string | null; title: string; compact: boolean; full: FullPage; unsaved?: Draft };

const NOTHING = fold([]);
const NOTE = "absolute inset-0 grid place-items-center text-soft";

/** The score with a cursor in it: press a bar to hear it, drag over bars to loop them. */
export function ScoreView({ musicxml, pages, title, compact, full, unsaved = NOTHING }: Props) {
  const { engine, song, score, selectBar } = useStand();
  const [look, change] = useScoreLook();
  const view = useRef<HTMLDivElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const { loop, loopOn } = usePlayerState(engine);
  const { engraving, failed } = useEngraving(view, stage, { musicxml, score, zoom: look.zoom, barsPerLine: look.barsPerLine });
  const { printing, print, go } = usePrinting(pages !== null);
  const doubts = useMemo(() => score.bars.flatMap((bar) => bar.notes.map((note) => doubtOf(note.confidence))), [score]);
  const unsure = doubts.filter((doubt) => doubt === "unsure").length;
  const doubtful = doubts.filter((doubt) => doubt === "doubtful").length;
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
  const touched = useMemo(() => touchedBars(unsaved, indexNotes(score)), [unsaved, score]);
  const isEmpty = score.bars.length === 0;

  return (
    <section aria-label={`Score: ${song.bars.length} bars`} className="score-sheet-around flex flex-col gap-2">
      {!compact && <ScoreTools look={look} change={change} doubtful={doubtful} full={full} printing={printing} onPrint={pages === null ? null : print} />}
      {!compact && !printed && <DoubtLegend unsure={unsure} doubtful={doubtful} shown={tinted} />}
      {failed && <p role="alert" className="rounded-lg bg-bad-wash p-4 text-bad">This score could not be drawn. Choose “As printed pages”, or download the PDF.</p>}
      <div className="score-sheet card p-2 sm:p-4">
        {printed && <PrintedPages address={pages} title={title} />}
        <div className={`engraving-frame relative overflow-clip ${printed ? "hidden" : ""}`} style={{ height: engraving && !isEmpty ? engraving.height * scale : "12rem" }}>
          <div ref={stage} aria-hidden className="engraving-stage" />
          {isEmpty && <p className={NOTE}>No drum strokes were heard in this recording.</p>}
          {!engraving && !failed && !isEmpty && <p role="status" className={NOTE}>Drawing the score …</p>}
          <div
            className="engraving-size origin-top-left"
            style={{ width: engraving?.width, height: engraving?.height, transform: scale === 1 ? undefined : `scale(${scale})`, "--wide": engraving?.width } as React.CSSProperties}
          >
            <div ref={view} aria-hidden className={`engraving ${tinted ? "tinted" : ""}`} />
            {engraving && (
              <>
                <Marks engraving={engraving} tinted={tinted} />
                <Cursor engine={engine} song={song} score={score} engraving={engraving} follow={look.follow} />
                <BarLayer boxes={engraving.bars} bars={song.bars} loop={loopOn ? loop : null} unsaved={touched} onJump={jump} onSelect={select} />
              </>
            )}
          </div>
        </div>
      </div>
      {printing && pages !== null && <PrintedPages address={pages} title={title} className="print-only" onAll={go} />}
    </section>
  );
}
