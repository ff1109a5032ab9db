"use client";

import { setNotices } from "@/lib/preferences/notices";
import { useNotices } from "@/lib/preferences/use-notices";

const WHY = {
  unavailable: "This browser cannot do it here: notifications need a page that came over an encrypted connection.",
  refused: "This browser was told not to show notifications from DrumScribe. Allow them in its settings for this page.",
  off: "A notification when a song is ready, as long as its page is open somewhere in this browser.",
  on: "A notification when a song is ready, as long as its page is open somewhere in this browser.",
} as const;

export function NoticeSetting() {
  const state = useNotices();
  return (
    <section aria-labelledby="notices-title" className="card p-4 sm:p-6">
      <h2 id="notices-title" className="text-lg font-semibold">
        Notifications
      </h2>
      <label className="mt-2 flex min-h-11 items-center gap-3">
        <input
          type="checkbox"
          className="size-5 accent-accent"
          checked={state === "on"}
          disabled={state === "unavailable" || state === "refused"}
          onChange={(event) => void setNotices(event.target.checked)}
          aria-describedby="notices-hint"
        />
        Tell me when a song is ready
      </label>
      <p id="notices-hint" className="text-sm text-soft">
        {WHY[state]}
      </p>
    </section>
  );
}
