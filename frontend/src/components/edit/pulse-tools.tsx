"use client";

import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, ArrowRight } from "lucide-react";

import { Button } from "@/components/ui/button";
import { useStand } from "@/components/score/stand";
import { api } from "@/lib/api/browser";
import { getRevision } from "@/lib/api/calls";
import type { Problem } from "@/lib/api/problem";
import type { Revision, RevisionOptions } from "@/lib/api/types";
import { METRES, pulseOf, withBeatMoved, withTempo } from "@/lib/edit/pulse";
import { revisionKey } from "@/lib/jobs/keys";

import { BarsTools } from "./bars-tools";
import type { Clips } from "./use-clipboard";
import type { Editing } from "./use-editing";

type Props = { editing: Editing; clips: Clips; locked: boolean };

/** Tempo, bar lines and metre, where the ear was an octave or a beat off. The server writes everything anew. */
export function PulseTools({ editing, clips, locked }: Props) {
  const { score } = useStand();
  const { job, shown, save, state } = editing;
  const { data: base } = useQuery<Revision, Problem>({
    queryKey: revisionKey(job.id, shown),
    queryFn: () => getRevision(api, job.id, shown),
    staleTime: Infinity,
  });
  const pulse = pulseOf(base?.options);
  const metre = score.bars[0]?.time_signature ?? { numerator: 4, denominator: 4 };
  const ask = (options: RevisionOptions | null) => options && save({ options });
  const [half, double] = [withTempo(pulse, "half"), withTempo(pulse, "double")];
  const off = locked || !base;
  return (
    <section aria-label="Tempo and bars" className="flex flex-col gap-3">
      <h2 className="font-medium">The whole song</h2>
      <p className="text-sm text-soft">
        The whole score is written anew{state.count > 0 && ", your corrections included"}. The notes you see now stay where they sound.
      </p>
      <div className="grid grid-cols-[auto_1fr] items-center gap-x-4 gap-y-3">
        <span className="text-sm font-medium">Tempo</span>
        <div role="group" aria-label="Tempo" className="flex flex-wrap gap-2">
          <Button disabled={off || !half} onClick={() => ask(half)}>
            Half tempo
          </Button>
          <Button disabled={off || !double} onClick={() => ask(double)}>
            Double tempo
          </Button>
        </div>
        <span className="text-sm font-medium">Bar lines</span>
        <div role="group" aria-label="Bar lines" className="flex flex-wrap gap-2">
          <Button disabled={off} aria-label="Bar lines a beat earlier" onClick={() => ask(withBeatMoved(pulse, -1, metre))}>
            <ArrowLeft aria-hidden />
            A beat earlier
          </Button>
          <Button disabled={off} aria-label="Bar lines a beat later" onClick={() => ask(withBeatMoved(pulse, 1, metre))}>
            A beat later
            <ArrowRight aria-hidden />
          </Button>
        </div>
        <label htmlFor="metre" className="text-sm font-medium">
          Metre
        </label>
        <select id="metre" disabled={off} className="control w-auto! justify-self-start" value={pulse.time_signature} onChange={(event) => ask({ time_signature: event.target.value })}>
          <option value="">{pulse.time_signature ? "As heard" : `As heard (${metre.numerator}/${metre.denominator})`}</option>
          {METRES.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </div>
      <BarsTools editing={editing} clips={clips} locked={off} />
    </section>
  );
}
