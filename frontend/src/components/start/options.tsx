import { ChevronRight } from "lucide-react";

import { Choices } from "@/components/ui/choices";
import { Field } from "@/components/ui/field";
import type { Model } from "@/lib/api/types";
import { PAPERS, type SongDefaults, VOICES } from "@/lib/preferences/song-defaults";

const METRES = ["4/4", "3/4", "2/4", "5/4", "6/4", "7/4", "5/8", "6/8", "7/8", "9/8", "12/8"];

/** Everything one may say about a song and need not. */
export function Options({ models, defaults }: { models: Model[]; defaults: SongDefaults }) {
  const others = models.filter((model) => !model.is_default);
  return (
    <details className="card group">
      <summary className="flex min-h-12 list-none items-center gap-2 rounded-xl px-4 font-medium sm:px-6 [&::-webkit-details-marker]:hidden">
        <ChevronRight aria-hidden className="size-[1.125rem] transition-transform group-open:rotate-90" />
        Options
        <span className="font-normal text-soft max-sm:hidden">title, tempo, metre, separation…</span>
      </summary>
      <div className="grid gap-x-4 gap-y-5 px-4 pt-2 pb-6 sm:grid-cols-2 sm:px-6 lg:grid-cols-3">
        <Field id="title" label="Title" hint="Printed above the score.">
          <input id="title" name="title" maxLength={200} autoComplete="off" aria-describedby="title-hint" className="control" />
        </Field>
        <Field id="bpm" label="Tempo" hint="Beats per minute, if you know it. Otherwise it is heard.">
          <input id="bpm" name="bpm" type="number" min={40} max={300} step="any" inputMode="decimal" placeholder="as heard" aria-describedby="bpm-hint" className="control figures" />
        </Field>
        <Field id="time_signature" label="Metre">
          <select id="time_signature" name="time_signature" className="control">
            <option value="">As heard</option>
            {METRES.map((metre) => (
              <option key={metre}>{metre}</option>
            ))}
          </select>
        </Field>
        <Field id="voices" label="Voices" hint="Hands with stems up and feet with stems down, or all on one stem.">
          <select id="voices" name="voices" defaultValue={defaults.voices} aria-describedby="voices-hint" className="control">
            <Choices of={VOICES} />
          </select>
        </Field>
        <Field id="separation" label="Isolate the drums" hint="Gives you a drumless track to play along with. Quickly takes seconds, thoroughly minutes.">
          <select id="separation" name="separation" defaultValue="light" aria-describedby="separation-hint" className="control">
            <option value="light">Yes, quickly</option>
            <option value="demucs">Yes, thoroughly</option>
            <option value="none">No</option>
            <option value="">As this server is set</option>
          </select>
        </Field>
        <Field id="sensitivity" label="Quiet strokes" hint="Writing more finds more ghost notes, and invents some.">
          <select id="sensitivity" name="sensitivity" defaultValue="" aria-describedby="sensitivity-hint" className="control">
            <option value="-2">Write fewer</option>
            <option value="">
              Write what is likely
            </option>
            <option value="2">Write more</option>
          </select>
        </Field>
        <Field id="paper" label="Paper">
          <select id="paper" name="paper" defaultValue={defaults.paper} className="control">
            <Choices of={PAPERS} />
          </select>
        </Field>
        {others.length > 0 && (
          <Field id="model" label="Listener">
            <select id="model" name="model" className="control">
              <option value="">Default</option>
              {others.map((model) => (
                <option key={model.name}>{model.name}</option>
              ))}
            </select>
          </Field>
        )}
      </div>
    </details>
  );
}
