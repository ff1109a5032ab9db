import Link from "next/link";

import { ADVICE } from "@/lib/accuracy/drums";
import { type Figures, type Heard, percent, strokesOf, weakDrums } from "@/lib/accuracy/figures";
import { drumName } from "@/lib/score/drums";

const LIST = "mt-2 max-w-2xl list-disc space-y-2 pl-5 marker:text-soft";
const LINK = "font-medium text-accent underline underline-offset-2";

/** The weak spots, by drum and by kind of music. */
export function WhenItGoesWrong({ mix, generated }: { mix: Heard } & Pick<Figures, "generated">) {
  const of = (name: string) => generated[name];
  return (
    <ul className={LIST}>
      {weakDrums(mix).map((drum) => (
        <li key={drum}>
          <strong>{drumName(drum)}</strong> ({mix.drums[drum].found} of {strokesOf(mix.drums[drum])} found, {mix.drums[drum].invented} invented).{" "}
          {ADVICE[drum]}
        </li>
      ))}
      {of("60 bpm") && (
        <li>
          <strong>Slow songs</strong> can come out at double tempo, with half as much in every bar. At 60 beats a minute {percent(of("60 bpm")!.cmlt)} of
          the beats were counted as written, and {percent(of("60 bpm")!.amlt)} if double is allowed. One press of “half tempo” mends it.
        </li>
      )}
      {of("5/4") && of("7/4") && of("12/8") && (
        <li>
          <strong>Uncommon metres</strong>: bars had the right length in {percent(of("5/4")!.metre)} of 5/4, {percent(of("7/4")!.metre)} of 7/4 and{" "}
          {percent(of("12/8")!.metre)} of 12/8. If you know the metre, say it before you send the song.
        </li>
      )}
      {of("all, mix") && (
        <li>
          <strong>Loud and soft</strong>: how loud a stroke is written follows what was played only roughly (rank correlation{" "}
          {of("all, mix")!.velocity.toFixed(2)} in a mix; 1 is perfect). Trust where strokes are more than how loud they are.
        </li>
      )}
      <li>
        <strong>Dense, distorted or dull recordings</strong> hide strokes, and the quiet ones first: in such mixes, made for the purpose, the
        F-measure was {of("all, mix")?.hits_9.toFixed(2) ?? "lower"}.
      </li>
    </ul>
  );
}

/** What a drummer can do. */
export function WhatToDo() {
  return (
    <ul className={LIST}>
      <li>
        <strong>Look at the doubtful notes first.</strong> DrumScribe tints the strokes that it is not sure of. Most of those that nobody played are
        among them, although the greater part of what is tinted is right. A stroke that is missing cannot be tinted: for that, listen.
      </li>
      <li>
        <strong>Listen and correct.</strong> Open the song in your{" "}
        <Link className={LINK} href="/library">
          library
        </Link>
        , slow it down, loop the bar, and change what you hear differently. Every file is written anew from your correction.
      </li>
      <li>
        <strong>Say what you know.</strong> Tempo and metre under “Options” on the{" "}
        <Link className={LINK} href="/">
          start page
        </Link>{" "}
        are never guessed again. “Quiet strokes” writes more or fewer of them.
      </li>
      <li>
        <strong>Send the best copy.</strong> Drums alone are heard better than drums in a mix: if you have the drum track, send that.
      </li>
    </ul>
  );
}

/** How far the figures reach, and where they come from. */
export function Limits({ songs, beats, networks }: { songs: number; beats: string; networks: string[] }) {
  return (
    <>
      <ul className={LIST}>
        <li>
          {songs} songs are few. They are rock, pop and reggae in 4/4 at ordinary tempos, without ride and without jazz. Your song may come out better or
          worse.
        </li>
        <li>Most of the mixes were put together from separate tracks and are easier to hear through than a record that you buy.</li>
        <li>In these songs {beats} of the beats were found; that says little about songs that slow down, swing hard or change their metre.</li>
        <li>The music by tempo and metre was made by a computer, on purpose harder than records are.</li>
      </ul>
      <p className="mt-4 text-sm text-soft">
        Measured with <code>drumscribe evaluate</code> on {networks.join(" and ")}; recordings from MDB Drums (Southall et al., 2017).{" "}
        <a className={LINK} href="/accuracy.json" download>
          All figures as a file
        </a>
      </p>
    </>
  );
}
