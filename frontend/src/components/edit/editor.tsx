"use client";

import { useEffect, useLayoutEffect, useRef, useState } from "react";

import { SwitchButton } from "@/components/player/switch-button";
import { useStand } from "@/components/score/stand";
import type { JobResult } from "@/lib/api/types";
import { ROWS } from "@/lib/edit/kit";
import { findNote } from "@/lib/edit/notes";
import type { GridStep } from "@/lib/edit/places";

import { BarTools } from "./bar-tools";
import { ClipTools } from "./clip-tools";
import { ConflictDialog } from "./conflict-dialog";
import { DrumGrid } from "./drum-grid";
import { EditTabs, type Tab } from "./edit-tabs";
import { Inspector } from "./inspector";
import { Notes } from "./notes-of-state";
import { PulseTools } from "./pulse-tools";
import { ReviewPanel } from "./review-panel";
import { SaveBar } from "./save-bar";
import { useBar } from "./use-bar";
import { useClipboard, useClipKeys } from "./use-clipboard";
import { type Cell, useCommands } from "./use-commands";
import type { Editing } from "./use-editing";
import { useUndoKeys } from "./use-undo-keys";
import { Versions } from "./versions";

type Props = { editing: Editing; result: JobResult; onClose: () => void };

const WIDE = "(min-width: 80rem)"; // where the desk stands beside the score

/** The desk beside the score on which a song is put right. */
export function Editor({ editing, result, onClose }: Props) {
  const { score } = useStand();
  const { settle, behind } = editing;
  const [tab, setTab] = useState<Tab>("notes");
  const [chosen, setChosen] = useState<GridStep | null>(null);
  const [follow, setFollow] = useState(true);
  const [allDrums, setAllDrums] = useState(() => window.matchMedia(WIDE).matches);
  const [wanted, setWanted] = useState<Cell>({ drum: "snare", onset: "0" });
  const [dismissed, setDismissed] = useState(0);
  const bar = useBar(editing.state.draft, chosen, follow && tab !== "review");
  const commands = useCommands(editing, bar);
  const clips = useClipboard(editing, bar, commands);
  useUndoKeys(commands);
  useClipKeys(clips, tab === "notes");

  /** Brings the correction that the server refused before one's eyes. */
  const { refused, state } = editing;
  const showRefused = () => {
    const known = refused && bar.index.get(refused);
    const place = (refused && findNote(bar.index, state.draft, refused)) || (known && { ...known.note, bar: known.bar }); // also if it was deleted
    if (!place) return;
    setTab("notes");
    setWanted({ drum: place.drum, onset: place.onset });
    bar.go(place.bar);
  };

  // Once the score of the new version is on the page, its corrections are history
  const before = useRef(score);
  useLayoutEffect(() => {
    if (before.current === score) return;
    before.current = score;
    settle();
  });

  // On a narrow page the desk lies over the foot of the score: begin with the score at the top
  const desk = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!window.matchMedia(WIDE).matches) desk.current?.closest("[data-stand]")?.querySelector(".score-sheet")?.scrollIntoView();
  }, []);

  const queue = result.review;
  const used = new Set([...score.bars.flatMap(({ notes }) => notes), ...bar.content.notes].map(({ drum }) => drum));
  const rows = ROWS.filter((drum) => allDrums || used.has(drum));
  const onset = bar.columns.some((column) => column.onset === wanted.onset) ? wanted.onset : "0";
  const cell = { drum: rows.find((drum) => drum === wanted.drum) ?? rows[0] ?? "snare", onset };
  const note = commands.at(cell);
  const relabel = (drum: string) => {
    if (note && commands.move(note, { drum, onset })) setWanted({ drum, onset });
  };

  // A newer version is told at once; who is in the middle of something may say "not now"
  const asks = behind && dismissed !== editing.job.revision;

  return (
    <section aria-label="Corrections" ref={desk} className="flex flex-col gap-2 max-xl:pb-2 xl:w-[38rem] xl:rounded-xl xl:border xl:border-line xl:bg-sheet xl:p-3">
      <EditTabs tab={tab} onTab={setTab} queue={queue.length} onClose={onClose} />
      <SaveBar editing={editing} commands={commands} onRefused={showRefused} />
      <Notes editing={editing} onConflict={() => setDismissed(0)} />
      {tab === "review" && (
        <ReviewPanel
          queue={queue}
          editing={editing}
          bar={bar}
          commands={commands}
          onNote={({ drum, onset: place }) => setWanted({ drum, onset: place })}
          onDone={() => setTab("notes")}
        />
      )}
      {(tab === "notes" || tab === "review") && (
        <>
          {tab === "notes" && <BarTools bar={bar} chosen={chosen} onChoose={setChosen} follow={follow} onFollow={() => setFollow(!follow)} />}
          {tab === "notes" && <ClipTools clips={clips} locked={commands.locked} last={(clips.around.at(-1) ?? 0) >= score.bars.length - 1} />}
          <DrumGrid bar={bar} rows={rows} commands={commands} cell={cell} onCell={setWanted} clips={clips} refused={refused} />
          <Inspector note={note} commands={commands} onRelabel={relabel} />
          <span className="xl:hidden">
            <SwitchButton wide on={allDrums} label="Show all drums" onClick={() => setAllDrums(!allDrums)}>
              All drums
            </SwitchButton>
          </span>
        </>
      )}
      {tab === "pulse" && <PulseTools editing={editing} clips={clips} locked={commands.locked} />}
      {tab === "versions" && <Versions editing={editing} />}
      <p aria-live="polite" className="sr-only">
        {commands.said}
      </p>
      {asks && <ConflictDialog editing={editing} onClose={() => setDismissed(editing.job.revision)} />}
    </section>
  );
}
