"use client";

import { useActionState, useState } from "react";

import { type FormState, transcribeLink } from "@/app/actions";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { noteAnswer } from "@/lib/account/signed-out";
import type { JobOptions } from "@/lib/api/types";
import { idempotencyKey } from "@/lib/jobs/keys";

type Props = { options: () => JobOptions; mayStart: () => boolean };

/** Paste a link; the server fetches the sound. */
export function LinkPanel({ options, mayStart }: Props) {
  const [link, setLink] = useState("");
  const [state, send, isSending] = useActionState<FormState, FormData>(async (before, form) => {
    for (const [name, value] of Object.entries(options())) form.set(name, String(value));
    form.set("key", idempotencyKey());
    const answer = await transcribeLink(before, form);
    noteAnswer(answer);
    return answer;
  }, null);
  const message = state?.message;
  return (
    <section aria-labelledby="link-title" className="card p-4 sm:p-6">
      <h2 id="link-title" className="mb-3 text-lg font-semibold">
        From YouTube
      </h2>
      <form action={send} noValidate onSubmit={(event) => mayStart() || event.preventDefault()} className="space-y-4">
        <Field id="link" label="Link to the video">
          <input
            id="link"
            name="link"
            type="url"
            inputMode="url"
            autoComplete="off"
            spellCheck={false}
            placeholder="https://www.youtube.com/watch?v=…"
            value={link}
            onChange={(event) => setLink(event.target.value)}
            aria-invalid={message ? true : undefined}
            aria-describedby={message ? "link-problem" : "link-hint"}
            className="control"
          />
        </Field>
        {message && (
          <p id="link-problem" role="alert" className="text-sm text-bad wrap-anywhere">
            {message}
          </p>
        )}
        <Button type="submit" look="plain" className="w-full" disabled={isSending}>
          {isSending ? "Asking for it…" : "Write the drum part"}
        </Button>
        <p id="link-hint" className="text-sm text-soft">
          Some videos are blocked for servers. If one does not come through, upload the song as a file: that always works.
        </p>
      </form>
    </section>
  );
}
