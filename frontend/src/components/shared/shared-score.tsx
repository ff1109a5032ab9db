"use client";

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { LazyScorePage } from "@/components/score/score-page-lazy";
import { Net } from "@/components/ui/net";
import { Notice } from "@/components/ui/notice";
import { address, api } from "@/lib/api/browser";
import { getSharedResult } from "@/lib/api/calls";
import type { Problem } from "@/lib/api/problem";
import type { SharedResult } from "@/lib/api/types";
import { sharedKey } from "@/lib/jobs/keys";

/** Where the score page finds its files. The revision makes a browser ask anew when there is another one. */
function urlsOf({ revision, downloads, stems }: SharedResult) {
  const at = (path: string | undefined) => address(`${path ?? ""}?revision=${revision}`);
  const tracks = Object.fromEntries(Object.entries(stems ?? {}).map(([track, path]) => [track, at(path)]));
  return { musicxml: at(downloads?.musicxml), score: at(downloads?.score), svg: at(downloads?.svg), ...tracks };
}

/** Score and player of a song that somebody shares; nothing in it changes the song. */
export function SharedScore({ token, title, compact }: { token: string; title: string; compact?: boolean }) {
  const { data: result, error } = useQuery<SharedResult, Problem>({
    queryKey: sharedKey(token),
    queryFn: () => getSharedResult(api, token),
    staleTime: Infinity,
  });
  const urls = useMemo(() => result && urlsOf(result), [result]);
  if (error) {
    return (
      <Notice tone="bad" title="The score could not be fetched">
        {error.code === "share_not_found" ? "The link was just taken back, or its score has been deleted." : error.message}
      </Notice>
    );
  }
  if (!result || !urls) {
    return (
      <p role="status" className="p-8 text-center text-soft">
        Opening the score …
      </p>
    );
  }
  return (
    <Net said="The score could not be shown here. Reload the page to try again.">
      <LazyScorePage title={title} result={result} urls={urls} compact={compact} />
    </Net>
  );
}
