"use client";

import { useSuspenseQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useRef, useState } from "react";

import { Mixer } from "@/components/player/mixer";
import { PlayerBar } from "@/components/player/player-bar";
import { ShortcutsHelp } from "@/components/player/shortcuts-help";
import { usePlayer } from "@/components/player/use-player";
import { useShortcuts } from "@/components/player/use-shortcuts";
import { Waveform } from "@/components/player/waveform";
import { readText } from "@/lib/api/recordings";
import type { Job, JobResult } from "@/lib/api/types";
import type { Engine } from "@/lib/player/engine";
import { songOf } from "@/lib/player/song";
import type { Song, Track } from "@/lib/player/state";
import type { ScoreDocument } from "@/lib/score/score";
import { ScoreView } from "./score-view";

/** Addresses of what the page needs, as the browser reaches them. */
export type ScoreUrls = { musicxml: string; score: string; svg?: string } & Partial<Record<Track, string>>;

type Loaded = { engine: Engine; song: Song; score: ScoreDocument; musicxml: string; urls: ScoreUrls; title: string };

function Stand({ engine, song, score, musicxml, urls, title }: Loaded) {
  const [mixerOpen, setMixerOpen] = useState(false);
  const help = useRef<HTMLDialogElement>(null);
  const showHelp = useCallback(() => help.current?.showModal(), []);
  useShortcuts(engine, song, showHelp);
  return (
    <div className="flex flex-col gap-3 lg:grid lg:grid-cols-[minmax(0,1fr)_auto] lg:gap-4">
      <div className="min-w-0 pb-4">
        <ScoreView engine={engine} song={song} score={score} musicxml={musicxml} pages={urls.svg ?? null} title={title} />
      </div>
      {mixerOpen && (
        <aside className="no-print card h-fit p-4 max-lg:order-2 lg:sticky lg:top-4 lg:w-96">
          <Mixer engine={engine} song={song} />
        </aside>
      )}
      <div className="no-print sticky bottom-0 z-10 -mx-4 flex flex-col gap-2 border-t border-line bg-sheet px-4 py-2 max-lg:order-3 lg:col-span-2">
        <Waveform engine={engine} song={song} />
        <PlayerBar engine={engine} song={song} mixerOpen={mixerOpen} onMixer={() => setMixerOpen(!mixerOpen)} />
      </div>
      <ShortcutsHelp dialog={help} />
    </div>
  );
}

/** Score and player of one finished song. */
export function ScorePage({ job, result, urls }: { job: Job; result: JobResult; urls: ScoreUrls }) {
  const { data: musicxml } = useSuspenseQuery({ queryKey: ["text", urls.musicxml], queryFn: () => readText(urls.musicxml), staleTime: Infinity });
  const { data: score } = useSuspenseQuery({
    queryKey: ["score", urls.score],
    queryFn: async () => JSON.parse(await readText(urls.score)) as ScoreDocument,
    staleTime: Infinity,
  });
  const { audio, drumless, drums } = urls;
  const song = useMemo(() => songOf(result, score, { audio, drumless, drums }), [result, score, audio, drumless, drums]);
  const engine = usePlayer(song);
  const title = result.title || job.original_filename || "Untitled";
  return <Stand engine={engine} song={song} score={score} musicxml={musicxml} urls={urls} title={title} />;
}
