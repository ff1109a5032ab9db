import type { BarTime } from "@/lib/score/score";
import type { Loop } from "./clock";
import type { Fader } from "./output";
import type { Beat, Hit } from "./schedule";

/** The recordings of a song that can be played along with. */
export type Track = "audio" | "drumless" | "drums";

/** What is listened to: a recording, or only the drums as they are written. */
export type Sound = Track | "written";

export const TRACKS: readonly Track[] = ["audio", "drumless", "drums"];

/** What the player plays; times are seconds of the recording. */
export interface Song {
  duration: number;
  hits: Hit[];
  beats: Beat[];
  bars: BarTime[];
  drums: string[];
  tracks: Partial<Record<Track, string>>;
}

/** A recording that could not be had: not kept any more, or not loaded this time. */
export interface Failure {
  track: Track;
  gone: boolean;
}

/** What the player's controls show; the place itself is read from the clock, never stored here. */
export interface PlayerState {
  /** Whether play would play now. */
  ready: boolean;
  failure: Failure | null;
  /** Share of the chosen recording that has arrived. */
  loaded: number;
  playing: boolean;
  waiting: boolean;
  rate: number;
  loop: Loop | null;
  loopOn: boolean;
  sound: Sound;
  levels: Record<Fader, number>;
  muted: ReadonlySet<string>;
  solo: ReadonlySet<string>;
  clickOn: boolean;
  countInOn: boolean;
  peaks: readonly number[];
}

/** Level of the written drums where nothing else is heard. */
export const WRITTEN_LEVEL = 0.9;

export function startState(song: Song): PlayerState {
  const sound = TRACKS.find((each) => song.tracks[each]) ?? "written";
  const written = sound === "written";
  return {
    ready: written,
    failure: null,
    loaded: written ? 1 : 0,
    playing: false,
    waiting: false,
    rate: 1,
    loop: null,
    loopOn: true,
    sound,
    levels: { recording: 1, drums: written ? WRITTEN_LEVEL : 0, click: 0.6 },
    muted: new Set(),
    solo: new Set(),
    clickOn: false,
    countInOn: false,
    peaks: [],
  };
}

/** Whether one drum of the synthesised part is heard: solos silence every other drum. */
export function audible(state: Pick<PlayerState, "muted" | "solo">, drum: string): boolean {
  return state.solo.size > 0 ? state.solo.has(drum) : !state.muted.has(drum);
}

/** A set with one entry taken out, or put in where it was not there. */
export function toggled(set: ReadonlySet<string>, entry: string): ReadonlySet<string> {
  const next = new Set(set);
  if (!next.delete(entry)) next.add(entry);
  return next;
}
