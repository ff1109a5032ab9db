import type { Metadata } from "next";

import { ConditionTable } from "@/components/accuracy/condition-table";
import { DrumChart } from "@/components/accuracy/drum-chart";
import { Limits, WhatToDo, WhenItGoesWrong } from "@/components/accuracy/plain-words";
import { FeelTable } from "@/components/accuracy/feel-table";
import { Sixteen } from "@/components/accuracy/sixteen";
import { Page } from "@/components/ui/page";
import { expected, percent } from "@/lib/accuracy/figures";
import { loadFigures } from "@/lib/accuracy/load";

export const metadata: Metadata = { title: "How accurate is this?" };

const CARD = "card p-4 sm:p-6";

export default async function AccuracyPage() {
  const { recordings, generated, generated_set, networks } = await loadFigures();
  const { full_mix, drums_alone, songs, strokes } = recordings;
  const bar = expected(full_mix.hits_9, 16);
  const { found, missed, invented, f } = full_mix.hits_9;
  return (
    <Page title="How accurate is this?" lead="DrumScribe hears most of what is played, and not all of it. This is what was measured, and what to do about the rest.">
      <div className="space-y-4">
        <section aria-labelledby="bar-title" className={CARD}>
          <h2 id="bar-title" className="text-lg font-semibold">
            In a bar of sixteen strokes
          </h2>
          <p className="mt-1 mb-5 max-w-2xl">
            In the mix of a whole band, about {bar.right} of them are right: the right drum at the right place. That leaves {bar.missing} missing or
            under the wrong name, and {bar.invented} written that nobody played.
          </p>
          <Sixteen counts={full_mix.hits_9} />
          <p className="mt-5 max-w-2xl text-[0.9375rem] text-soft">
            Counted over {songs} recordings with {strokes} strokes: {found} found, {missed} missed, {invented} invented. The F-measure puts both kinds
            of mistake into one number: {f.toFixed(2)} here, {drums_alone.hits_9.f.toFixed(2)} where the drums are recorded alone; 1 is perfect. A stroke
            counts as found within {Math.round(recordings.tolerance_s * 1000)} thousandths of a second, and only under its own name.
          </p>
        </section>
        <section aria-labelledby="drums-title" className={CARD}>
          <h2 id="drums-title" className="mb-1 text-lg font-semibold">
            Drum by drum
          </h2>
          <DrumChart recordings={recordings} />
        </section>
        <section aria-labelledby="wrong-title" className={CARD}>
          <h2 id="wrong-title" className="text-lg font-semibold">
            When it goes wrong
          </h2>
          <WhenItGoesWrong mix={full_mix} generated={generated} />
          <ConditionTable set={generated_set} />
          <FeelTable generated={generated} />
        </section>
        <section aria-labelledby="do-title" className={CARD}>
          <h2 id="do-title" className="text-lg font-semibold">
            What to do about it
          </h2>
          <WhatToDo />
        </section>
        <section aria-labelledby="limits-title" className={CARD}>
          <h2 id="limits-title" className="text-lg font-semibold">
            What these figures cannot tell
          </h2>
          <Limits songs={songs} beats={percent(full_mix.beat_f)} networks={networks} />
        </section>
      </div>
    </Page>
  );
}
