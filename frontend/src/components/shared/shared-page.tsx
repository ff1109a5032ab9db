import { DownloadMenu } from "@/components/jobs/download-menu";
import type { Shared } from "@/lib/api/types";
import { clock } from "@/lib/format";

import { SharedScore } from "./shared-score";

/** What a reader may take home; all else is for whoever made it. */
const FORMATS = ["pdf", "musicxml", "midi"] as const;

export const titleOf = ({ title }: Pick<Shared, "title">): string => title || "Untitled song";

function factsOf({ duration_seconds, bpm, with_audio }: Shared): string {
  const facts = [
    duration_seconds ? clock(duration_seconds) : null,
    bpm ? `${Math.round(bpm)} beats a minute` : null,
    with_audio ? "with the recording" : "with drum sounds",
  ];
  return facts.filter(Boolean).join(" · ");
}

/** A score that somebody shares: to read, to play and to take home. */
export function SharedPage({ token, shared }: { token: string; shared: Shared }) {
  const paths = Object.fromEntries(FORMATS.map((format) => [format, `/api/v1/shared/${token}/download/${format}`]));
  return (
    <main id="content" tabIndex={-1} className="mx-auto w-full max-w-[96rem] px-4 pt-6 outline-none sm:px-6 sm:pt-8">
      <div className="mb-4 flex flex-wrap items-end justify-between gap-x-8 gap-y-3">
        <div className="min-w-0">
          <h1 className="font-title text-2xl font-semibold wrap-anywhere sm:text-3xl">{titleOf(shared)}</h1>
          <p className="figures mt-1 text-soft">{factsOf(shared)}</p>
        </div>
        <div className="no-print">
          <DownloadMenu paths={paths} />
        </div>
      </div>
      <SharedScore token={token} title={titleOf(shared)} />
    </main>
  );
}
