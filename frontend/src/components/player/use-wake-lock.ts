"use client";

import { useEffect } from "react";

/** Keeps the screen on while it is wanted: nobody can touch a tablet with both sticks in the hands. */
export function useWakeLock(wanted: boolean): void {
  useEffect(() => {
    if (!wanted || !("wakeLock" in navigator)) return;
    let lock: WakeLockSentinel | null = null;
    let over = false;
    const ask = async () => {
      if (document.visibilityState !== "visible") return;
      try {
        const given = await navigator.wakeLock.request("screen");
        if (over) void given.release();
        else lock = given;
      } catch {
        // A low battery or the user's settings may refuse it: the music plays on.
      }
    };
    void ask();
    // The browser takes the lock away from a page that is hidden.
    document.addEventListener("visibilitychange", ask);
    return () => {
      over = true;
      document.removeEventListener("visibilitychange", ask);
      void lock?.release();
    };
  }, [wanted]);
}
