"use client";

import { useLayoutEffect, useRef, useState } from "react";

import { useStand } from "@/components/score/stand";
import type { JobResult } from "@/lib/api/types";
import { ROWS } from "@/lib/edit/kit";
import type { GridStep } from "@/lib/edit/places";
import { reviewOf } from "@/lib/edit/review";

import { BarTools } from "./bar-tools";
import { ConflictDialog } from "./conflict-dialog";
import { DrumGrid } from "./drum-grid";
import { EditTabs, type Tab } from "./edit-tabs";
import { Inspector } from "./inspector";
import { Notes } from "./notes-of-state";
import { PulseTools } from "./pulse-tools";
import { ReviewPanel } from "./review-panel";
import { SaveBar } from "./save-bar";
import { useBar } from "./use-bar";
import { type Cell, useCommands } from "./use-commands";
import type { Editing } from "./use-editing";
import { useUndoKeys } from "./use-undo-keys";
import { Versions } from "./versions";

type Props = { editing: Editing; result: JobResult; onClose: () => void };

/** The desk beside the score on which a song is put right. */
export function Editor({ editing, result, onClose }: Props) {
  const { score } = useStand();
  const { settle, behind } = editing;
  const [tab, setTab] = useState<Tab>("notes");
  const [chosen, setChosen] = useState<GridStep | null>(null);
  const [follow, setFollow] = useState(true);
  const [wanted, setWanted] = useState<Cell>({ drum: "snare", onset: "0" });
  const [dismissed, setDismissed] = useState(0);
  const bar = useBar(editing.state.draft, chosen, follow && tab !== "review");
  const commands = useCommands(editing, bar);
  useUndoKeys(commands);

  // Once the score of the new version is on the page, its corrections are history
  const before = useRef(score);
  useLayoutEffect(() => {
    if (before.current === score) return;
    before.current = score;
    settle();
  });

  const queue = reviewOf(result);
  const onset = bar.columns.some((column) => column.onset === wanted.onset) ? wanted.onset : "0";
  const cell = { drum: wanted.drum, onset };
  const note = commands.at(cell);
  const relabel = (drum: string) => {
    if (note && commands.move(note, { drum, onset })) setWanted({ drum, onset });
  };

  // A newer version is told at once; who is in the middle of something may say "not now"
  const asks = behind && dismissed !== editing.job.revision;

  return (
    <section aria-label="Corrections" className="card flex flex-col gap-2 p-3 xl:w-[38rem]">
      <EditTabs tab={tab} onTab={setTab} queue={queue.length} onClose={onClose} />
      <SaveBar editing={editing} commands={commands} />
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
          <DrumGrid bar={bar} rows={ROWS} commands={commands} cell={cell} onCell={setWanted} />
          <Inspector note={note} commands={commands} onRelabel={relabel} />
        </>
      )}
      {tab === "pulse" && <PulseTools editing={editing} locked={commands.locked} />}
      {tab === "versions" && <Versions editing={editing} />}
      <p aria-live="polite" className="sr-only">
        {commands.said}
      </p>
      {asks && <ConflictDialog editing={editing} onClose={() => setDismissed(editing.job.revision)} />}
    </section>
  );
}
