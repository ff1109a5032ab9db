"use client";

import type { Engine } from "@/lib/player/engine";
import type { Fader } from "@/lib/player/output";
import type { Song, Track } from "@/lib/player/state";
import { drumName } from "@/lib/score/drums";
import { SwitchButton } from "./switch-button";
import { usePlayerState } from "./use-player";

const TRACKS: Record<Track, string> = { audio: "Whole song", drumless: "Without drums", drums: "Drums only" };
const FADERS: Record<Fader, string> = { recording: "Recording", drums: "Synthesised drums", click: "Click" };

function Level({ engine, fader, level }: { engine: Engine; fader: Fader; level: number }) {
  return (
    <label className="grid grid-cols-[9.5rem_1fr_3rem] items-center gap-3">
      <span>{FADERS[fader]}</span>
      <input
        type="range"
        min={0}
        max={100}
        value={Math.round(level * 100)}
        onChange={(event) => engine.setLevel(fader, Number(event.target.value) / 100)}
        className="h-11 w-full accent-(--accent)"
      />
      <span className="figures text-right text-sm text-soft">{Math.round(level * 100)} %</span>
    </label>
  );
}

/** Which recording is heard, how loud everything is, and which of the synthesised drums play. */
export function Mixer({ engine, song }: { engine: Engine; song: Song }) {
  const state = usePlayerState(engine);
  const tracks = (Object.keys(TRACKS) as Track[]).filter((track) => song.tracks[track]);
  return (
    <section aria-label="Mixer" className="flex flex-col gap-3">
      {tracks.length > 1 && (
        <div role="group" aria-label="Recording" className="flex flex-wrap gap-1">
          {tracks.map((track) => (
            <SwitchButton key={track} wide on={state.track === track} label={TRACKS[track]} onClick={() => engine.setTrack(track)}>
              {TRACKS[track]}
            </SwitchButton>
          ))}
        </div>
      )}
      {(Object.keys(FADERS) as Fader[]).map((fader) => (
        <Level key={fader} engine={engine} fader={fader} level={state.levels[fader]} />
      ))}
      <fieldset>
        <legend className="mb-1 text-sm font-medium">Drums of the synthesised part</legend>
        <ul>
          {song.drums.map((drum) => (
            <li key={drum} className="flex items-center justify-between">
              <span className={state.muted.has(drum) ? "text-soft line-through" : ""}>{drumName(drum)}</span>
              <span className="flex gap-1">
                <SwitchButton wide on={state.muted.has(drum)} label={`Mute ${drumName(drum)}`} onClick={() => engine.toggleMute(drum)}>
                  Mute
                </SwitchButton>
                <SwitchButton wide on={state.solo.has(drum)} label={`Solo ${drumName(drum)}`} onClick={() => engine.toggleSolo(drum)}>
                  Solo
                </SwitchButton>
              </span>
            </li>
          ))}
        </ul>
      </fieldset>
    </section>
  );
}
