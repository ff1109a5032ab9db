"use client";

import { useSuspenseQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useCallback, useDeferredValue, useMemo, useRef, useState } from "react";

import { Mixer } from "@/components/player/mixer";
import { PlayerBar } from "@/components/player/player-bar";
import { ShortcutsHelp } from "@/components/player/shortcuts-help";
import { usePlayer, usePlayerState } from "@/components/player/use-player";
import { useShortcuts } from "@/components/player/use-shortcuts";
import { useWakeLock } from "@/components/player/use-wake-lock";
import { Waveform } from "@/components/player/waveform";
import { readText } from "@/lib/api/recordings";
import type { Draft } from "@/lib/edit/draft";
import type { Played } from "@/lib/player/song";
import { songOf } from "@/lib/player/song";
import type { Track } from "@/lib/player/state";
import { readScore, type ScoreDocument } from "@/lib/score/score";
import { ScoreView } from "./score-view";
import { StandProvider } from "./stand";
import { useFullPage } from "./use-full-page";

/** Addresses of what the page needs, as the browser reaches them. */
export type ScoreUrls = { musicxml: string; score: string; svg?: string } & Partial<Record<Track, string>>;

type Props = {
  title: string;
  result: Played;
  urls: ScoreUrls;
  /** Shown between score and player; reads what is open with `useStand`. Without it the page is read-only. */
  children?: ReactNode;
  /** Leaves out the tools above the score, and the marks that they explain. */
  compact?: boolean;
  /** Corrections of this score that are not saved yet: their bars are marked. */
  unsaved?: Draft;
};

type Files = { musicxml: string; score: ScoreDocument };

async function readFiles(urls: ScoreUrls): Promise<Files> {
  const [musicxml, score] = await Promise.all([readText(urls.musicxml), readText(urls.score)]);
  return { musicxml, score: readScore(score) };
}

/** Score and player of one finished song. A newer revision takes the old one's place once it is here; place, loop and size stay. */
export function ScorePage({ title, result, urls, children, compact = false, unsaved }: Props) {
  const newest = useMemo(() => ({ result, urls }), [result, urls]);
  const shown = useDeferredValue(newest);
  const { data } = useSuspenseQuery({
    queryKey: ["score", shown.urls.score],
    queryFn: () => readFiles(shown.urls),
    staleTime: Infinity,
  });
  const { musicxml, score } = data;
  const { audio, drumless, drums } = shown.urls;
  const song = useMemo(() => songOf(shown.result, score, { audio, drumless, drums }), [shown.result, score, audio, drumless, drums]);
  const engine = usePlayer(song);
  const [selectedBar, selectBar] = useState(0);
  const stand = useMemo(() => ({ engine, song, score, selectedBar, selectBar }), [engine, song, score, selectedBar]);
  const [mixerOpen, setMixerOpen] = useState(false);
  const page = useRef<HTMLDivElement>(null);
  const full = useFullPage(page);
  useWakeLock(usePlayerState(engine).playing);
  const help = useRef<HTMLDialogElement>(null);
  const showHelp = useCallback(() => help.current?.showModal(), []);
  useShortcuts(engine, song, showHelp, full.toggle);
  return (
    <StandProvider value={stand}>
      <div
        ref={page}
        data-stand
        className={`flex flex-col gap-3 xl:grid xl:grid-cols-[minmax(0,1fr)_auto] xl:gap-4 ${full.on ? "full-page" : ""}`}
      >
        <div className="min-w-0 pb-4">
          <ScoreView musicxml={musicxml} pages={shown.urls.svg ?? null} title={title} compact={compact} full={full} unsaved={unsaved} />
        </div>
        {/* Narrow: one dock at the foot of the page. Wide: panels beside the score, the player below both. */}
        <div data-dock className="no-print sticky bottom-0 z-10 -mx-4 border-t border-line bg-sheet px-4 xl:contents">
          {(mixerOpen || children) && (
            <div className="flex flex-col gap-4 max-xl:-mx-4 max-xl:max-h-[58dvh] max-xl:overflow-y-auto max-xl:px-4 max-xl:pt-2 short:max-h-[82dvh] xl:sticky xl:top-4 xl:col-start-2 xl:row-start-1 xl:h-fit xl:max-h-[calc(100dvh-11rem)] xl:overflow-y-auto">
              {mixerOpen && (
                <aside className="card p-4 xl:w-96">
                  <Mixer engine={engine} song={song} />
                </aside>
              )}
              {children}
            </div>
          )}
          <div data-dock className={`dock flex flex-col gap-2 bg-sheet py-2 ${children ? "short:hidden" : ""} xl:sticky xl:bottom-0 xl:z-10 xl:col-span-2 xl:-mx-4 xl:border-t xl:border-line xl:px-4`}>
            <div className={`wave ${children ? "max-xl:hidden" : ""}`}>
              <Waveform engine={engine} song={song} />
            </div>
            <PlayerBar engine={engine} song={song} mixerOpen={mixerOpen} onMixer={() => setMixerOpen(!mixerOpen)} />
          </div>
        </div>
        <ShortcutsHelp dialog={help} editing={Boolean(children)} />
      </div>
    </StandProvider>
  );
}
