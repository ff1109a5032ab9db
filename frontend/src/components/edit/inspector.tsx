"use client";

import { Check, Trash2 } from "lucide-react";

import { SwitchButton } from "@/components/player/switch-button";
import { Button } from "@/components/ui/button";
import { canFlam } from "@/lib/edit/commands";
import { levelOf, ROWS, type Level } from "@/lib/edit/kit";
import type { EditNote } from "@/lib/edit/notes";
import { drumName } from "@/lib/score/drums";

import type { Commands } from "./use-commands";

type Props = { note: EditNote | undefined; commands: Commands; onRelabel: (drum: string) => void };

const LEVEL_NAMES: Record<Level, string> = { ghost: "Ghost", normal: "Normal", accent: "Accent" };

/** The chosen note: how loud, flam or not, which drum. */
export function Inspector({ note, commands, onRelabel }: Props) {
  if (!note)
    return (
      <p className="flex min-h-11 items-center text-sm text-soft">
        {commands.locked ? "Corrections wait until the new version is there." : "Press a place to add a stroke; press a stroke to change it, press it again to delete it."}
      </p>
    );
  const { locked } = commands;
  return (
    <fieldset disabled={locked} className="flex min-w-0 flex-col gap-2">
      <legend className="sr-only">Chosen stroke: {commands.named(note.drum, note.onset)}</legend>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <select aria-label="Drum" className="control w-auto! text-sm!" value={note.drum} onChange={(event) => onRelabel(event.target.value)}>
          {ROWS.map((drum) => (
            <option key={drum} value={drum}>
              {drumName(drum)}
            </option>
          ))}
        </select>
        <div role="group" aria-label="Loudness" className="flex">
          {(Object.keys(LEVEL_NAMES) as Level[]).map((level) => (
            <SwitchButton key={level} wide on={levelOf(note.velocity) === level} label={LEVEL_NAMES[level]} onClick={() => commands.level(note, level)}>
              {LEVEL_NAMES[level]}
            </SwitchButton>
          ))}
        </div>
        {canFlam(note) && (
          <SwitchButton wide on={note.flam} label="Flam" title="Flam (F)" onClick={() => commands.flam(note)}>
            Flam
          </SwitchButton>
        )}
      </div>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <label className="flex min-w-44 flex-1 items-center gap-3 text-sm">
          <span className="sr-only">Fine loudness</span>
          <input
            type="range"
            min={1}
            max={100}
            value={Math.round(note.velocity * 100)}
            onChange={(event) => commands.loudness(note, Number(event.target.value) / 100, `fader ${note.id}`)}
            className="h-11 w-full accent-(--accent)"
          />
          <span className="figures w-12 text-right text-soft">{Math.round(note.velocity * 100)} %</span>
        </label>
        {note.state === "heard" && (
          <Button look="quiet" title="This stroke is right (Y)" onClick={() => commands.confirm([note])}>
            <Check aria-hidden />
            Right <span className="figures font-normal text-soft">{Math.round(note.confidence * 100)} % sure</span>
          </Button>
        )}
        <Button look="quiet" title="Delete this stroke (Del)" onClick={() => commands.remove(note)}>
          <Trash2 aria-hidden />
          Delete
        </Button>
      </div>
    </fieldset>
  );
}
