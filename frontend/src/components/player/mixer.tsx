"use client";

import type { Engine } from "@/lib/player/engine";
import type { Fader } from "@/lib/player/output";
import type { Song, Sound } from "@/lib/player/state";
import { TRACKS } from "@/lib/player/state";
import { drumName } from "@/lib/score/drums";
import { SwitchButton } from "./switch-button";
import { usePlayerState } from "./use-player";

const SOUNDS: Record<Sound, string> = { audio: "Whole song", drumless: "Without drums", drums: "Drums only", written: "Written drums" };
const FADERS: Record<Fader, string> = { recording: "Recording", drums: "Written drums", click: "Click" };

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

/** What is listened to, how loud everything is, and which of the written drums play. */
export function Mixer({ engine, song }: { engine: Engine; song: Song }) {
  const state = usePlayerState(engine);
  const tracks = TRACKS.filter((track) => song.tracks[track]);
  const faders = (Object.keys(FADERS) as Fader[]).filter((fader) => fader !== "recording" || tracks.length > 0);
  return (
    <section aria-label="Mixer" className="flex flex-col gap-3">
      {tracks.length > 0 && (
        <fieldset>
          <legend className="mb-1 text-sm font-medium">Play along with</legend>
          <div className="flex flex-wrap gap-1">
            {([...tracks, "written"] as const).map((sound) => (
              <SwitchButton key={sound} wide on={state.sound === sound} label={SOUNDS[sound]} onClick={() => engine.setSound(sound)}>
                {SOUNDS[sound]}
              </SwitchButton>
            ))}
          </div>
        </fieldset>
      )}
      {faders.map((fader) => (
        <Level key={fader} engine={engine} fader={fader} level={state.levels[fader]} />
      ))}
      <fieldset>
        <legend className="mb-1 text-sm font-medium">Written drums, one by one</legend>
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
