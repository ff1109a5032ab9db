import { ExternalLink } from "lucide-react";

import type { Shared } from "@/lib/api/types";

import { titleOf } from "./shared-page";
import { SharedScore } from "./shared-score";

/** A shared score inside a page of somebody else's: as little around it as possible. */
export function Embedded({ token, shared }: { token: string; shared: Shared }) {
  return (
    <main aria-label={`Drum score of ${titleOf(shared)}`} className="px-4 pt-2">
      <div className="no-print mb-1 flex items-center justify-between gap-4">
        <h1 className="min-w-0 truncate font-title font-semibold">{titleOf(shared)}</h1>
        <a
          href={`/s/${token}`}
          target="_blank"
          rel="noopener"
          className="inline-flex min-h-11 shrink-0 items-center gap-1.5 rounded text-sm text-soft hover:text-ink"
        >
          Made with DrumScribe
          <ExternalLink aria-hidden className="size-4" />
          <span className="sr-only">, opens the score in a new tab</span>
        </a>
      </div>
      <SharedScore token={token} title={titleOf(shared)} compact />
    </main>
  );
}
