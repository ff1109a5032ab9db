import type { Limits, Model } from "@/lib/api/types";
import { plural, span } from "@/lib/format";
import type { SongDefaults } from "@/lib/preferences/song-defaults";

import { DemoButton } from "./demo-button";
import { Example } from "./example";
import { StartForms } from "./start-forms";

type Props = { limits: Limits; models: Model[]; defaults: SongDefaults };

export function StartPage({ limits, models, defaults }: Props) {
  const hourly = limits.max_jobs_per_hour > 0 ? ` You can send ${plural(limits.max_jobs_per_hour, "song")} an hour.` : "";
  return (
    <main id="content" tabIndex={-1} className="mx-auto w-full max-w-6xl px-4 py-8 outline-none sm:px-6 sm:py-12">
      <h1 className="max-w-3xl font-title text-3xl leading-tight font-semibold sm:text-[2.75rem]">Drum sheet music from any recording</h1>
      <p className="mt-3 max-w-2xl text-soft sm:text-lg">
        Give DrumScribe a song. It writes down every stroke of the kit, and you play along with the record, as slowly as you like.
      </p>
      <StartForms limits={limits} models={models} defaults={defaults} />
      <div className="mt-6 flex flex-wrap items-center justify-between gap-x-8 gap-y-4">
        <p className="max-w-2xl text-sm text-soft">
          Up to {limits.max_file_size_mb} MB and {span(limits.max_duration_seconds)} a song.{hourly} Recordings are deleted after{" "}
          {span(limits.artifact_ttl_hours * 3600)}, scores after {span(limits.result_ttl_hours * 3600)}: download what you want to keep.
        </p>
        <DemoButton />
      </div>
      <Example />
    </main>
  );
}
