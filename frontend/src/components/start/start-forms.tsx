"use client";

import { type FormEvent, useRef } from "react";

import type { Limits, Model } from "@/lib/api/types";
import { readOptions } from "@/lib/jobs/options";
import type { SongDefaults } from "@/lib/preferences/song-defaults";

import { FilePanel } from "./file-panel";
import { LinkPanel } from "./link-panel";
import { Options } from "./options";

type Props = { limits: Limits; models: Model[]; defaults: SongDefaults };

/** Both ways in, side by side, and the options that hold for either. */
export function StartForms({ limits, models, defaults }: Props) {
  const options = useRef<HTMLFormElement>(null);
  const chosen = () => readOptions(new FormData(options.current ?? undefined));
  const areValid = () => options.current?.reportValidity() ?? true;
  return (
    <>
      <div className={`mt-8 grid gap-4 ${limits.youtube_enabled ? "lg:grid-cols-[3fr_2fr]" : ""}`}>
        <FilePanel limits={limits} options={chosen} mayStart={areValid} />
        {limits.youtube_enabled && <LinkPanel options={chosen} mayStart={areValid} />}
      </div>
      <form ref={options} onSubmit={(event: FormEvent) => event.preventDefault()} className="mt-4">
        <Options models={models} defaults={defaults} />
      </form>
    </>
  );
}
