"use client";

import { useState } from "react";

import { Choices } from "@/components/ui/choices";
import { Field } from "@/components/ui/field";
import { keepSongDefaults, PAPERS, type SongDefaults, VOICES } from "@/lib/preferences/song-defaults";

/** What new songs start with. */
export function SongSetting({ initial }: { initial: SongDefaults }) {
  const [chosen, setChosen] = useState(initial);
  function choose(change: Partial<SongDefaults>) {
    const next = { ...chosen, ...change };
    setChosen(next);
    keepSongDefaults(next);
  }
  return (
    <section aria-labelledby="song-title" className="card p-4 sm:p-6">
      <h2 id="song-title" className="text-lg font-semibold">
        New songs
      </h2>
      <p className="mt-1 mb-4 text-sm text-soft">What the options of the start page begin with. Songs that were sent stay as they are.</p>
      <div className="grid max-w-2xl gap-4 sm:grid-cols-2">
        <Field id="default-voices" label="Voices">
          <select
            id="default-voices"
            className="control"
            value={chosen.voices}
            onChange={(event) => choose({ voices: event.target.value === "1" ? "1" : "" })}
          >
            <Choices of={VOICES} />
          </select>
        </Field>
        <Field id="default-paper" label="Paper">
          <select
            id="default-paper"
            className="control"
            value={chosen.paper}
            onChange={(event) => choose({ paper: event.target.value === "letter" ? "letter" : "" })}
          >
            <Choices of={PAPERS} />
          </select>
        </Field>
      </div>
    </section>
  );
}
