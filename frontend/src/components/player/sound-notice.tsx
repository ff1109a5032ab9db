"use client";

import type { Engine } from "@/lib/player/engine";
import type { Failure } from "@/lib/player/state";
import { usePlayerState } from "./use-player";

function reason({ track, gone }: Failure): string {
  if (track !== "audio") return gone ? "This recording is not kept any more." : "This recording could not be loaded.";
  return gone ? "The recording is not kept any more." : "The recording could not be loaded.";
}

/** Says why something else is heard than what was chosen, and offers to try again where that can help. */
export function SoundNotice({ engine }: { engine: Engine }) {
  const { failure, sound, loaded, ready } = usePlayerState(engine);
  if (failure)
    return (
      <p role="status" className="flex flex-wrap items-center gap-x-3 text-sm">
        {reason(failure)} {sound === "written" && "You hear the drums as they are written."}
        {!failure.gone && (
          <button type="button" className="min-h-11 rounded-lg px-2 font-medium text-accent hover:bg-sunk" onClick={() => engine.setSound(failure.track)}>
            Try again
          </button>
        )}
      </p>
    );
  if (ready && loaded >= 1) return null;
  return <p className="pointer-events-none absolute right-6 bottom-1 text-xs text-soft">Loading the recording: {Math.round(loaded * 100)} %</p>;
}
