"use client";

import { useState } from "react";

import { useStand } from "@/components/score/stand";
import { Button } from "@/components/ui/button";
import { METRES } from "@/lib/edit/pulse";
import { plural } from "@/lib/format";

import type { Clips } from "./use-clipboard";
import type { Editing } from "./use-editing";

type Props = { editing: Editing; clips: Clips; locked: boolean };

const MOST = 32;

/** Some bars: how many they really are, and what comes before the first and after the last. */
export function BarsTools({ editing, clips, locked }: Props) {
  const { score, song } = useStand();
  const { around } = clips;
  const [first, last] = [around[0] ?? 0, around.at(-1) ?? 0];
  const metre = score.bars[last]?.time_signature ?? { numerator: 4, denominator: 4 };
  const usual = `${metre.numerator}/${metre.denominator}`;
  const [wanted, setWanted] = useState<{ around: string; count: number; metre: string } | null>(null);
  const key = around.join();
  const { count, metre: chosen } = wanted?.around === key ? wanted : { count: around.length, metre: usual };
  // Only metres of the song's own beat: the server refuses others
  const beat = metre.denominator === 8 && metre.numerator % 3 === 0 && metre.numerator > 3 ? 3 : 1;
  const metres = [...new Set([usual, ...METRES.filter((name) => name.endsWith(`/${metre.denominator}`) && parseInt(name) % beat === 0)])];
  const same = count === around.length && around.every((at) => chosen === nameOf(score.bars[at]?.time_signature) && !score.bars[at]?.length);

  const { save, writing } = editing;
  const number = (at: number) => song.bars[at]?.number ?? at + 1;
  const what = first === last ? `Bar ${number(first)}` : `Bars ${number(first)} to ${number(last)}`;
  const off = locked || writing;
  const inside = score.bars.slice(first, last + 1).reduce((sum, { notes }) => sum + notes.length, 0);
  const atStart = first === 0;
  const cuttable = around.length < score.bars.length && (atStart || last === score.bars.length - 1);
  return (
    <section aria-label="Some bars" className="flex flex-col gap-3 border-t border-line pt-3">
      <h2 className="font-medium">{what}</h2>
      <p className="text-sm text-soft">Press a bar in the score to choose it; drag over several. The recording stays as it is: a bar is a stretch of it.</p>
      <div className="flex flex-wrap items-center gap-2">
        <label htmlFor="bars-count" className="text-sm">
          {first === last ? "It is really" : "They are really"}
        </label>
        <input
          id="bars-count"
          type="number"
          min={1}
          max={MOST}
          value={count}
          disabled={off}
          onChange={(event) => setWanted({ around: key, metre: chosen, count: Math.min(MOST, Math.max(1, Math.round(Number(event.target.value)) || 1)) })}
          className="control figures w-16! px-2!"
        />
        <label className="flex items-center gap-2 text-sm">
          {count === 1 ? "bar of" : "bars of"}
          <select className="control w-auto!" value={chosen} disabled={off} onChange={(event) => setWanted({ around: key, count, metre: event.target.value })}>
            {metres.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <Button disabled={off || same} onClick={() => save({ bars: { op: "divide_bars", first, last, into: Array.from({ length: count }, () => chosen) } })}>
          Divide anew
        </Button>
      </div>
      <div role="group" aria-label="Bars at the ends" className="flex flex-wrap gap-2">
        <Button disabled={off} onClick={() => save({ bars: { op: "add_bars", at: "start", count: 1 } })}>
          Add one before the first
        </Button>
        <Button disabled={off} onClick={() => save({ bars: { op: "add_bars", at: "end", count: 1 } })}>
          Add one after the last
        </Button>
        {cuttable && (
          <Button look="danger" disabled={off} onClick={() => save({ bars: { op: "cut_bars", at: atStart ? "start" : "end", count: around.length } })}>
            Cut {what.toLowerCase()} off{inside > 0 && ` with ${plural(inside, "stroke")}`}
          </Button>
        )}
      </div>
      {!cuttable && <p className="text-sm text-soft">Bars between others cannot be taken out, as their sound would stay: divide them anew, or clear them under Notes.</p>}
    </section>
  );
}

const nameOf = (metre: { numerator: number; denominator: number } | undefined) => (metre ? `${metre.numerator}/${metre.denominator}` : "");
