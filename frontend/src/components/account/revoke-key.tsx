"use client";

import { useActionState, useState } from "react";

import { endKey } from "@/app/account/actions";
import { Button } from "@/components/ui/button";
import type { FormState } from "@/lib/account/form";

/** Ends a key, once it was said twice: programs that use it stop working. */
export function RevokeKey({ id, name }: { id: string; name: string }) {
  const [isAsked, setAsked] = useState(false);
  const [state, end, isEnding] = useActionState<FormState, FormData>(endKey, null);
  if (!isAsked) {
    return (
      <Button onClick={() => setAsked(true)} aria-label={`Revoke ${name}`}>
        Revoke
      </Button>
    );
  }
  return (
    <form
      action={end}
      aria-label={`Revoke ${name}`}
      onKeyDown={(event) => event.key === "Escape" && setAsked(false)}
      className="flex flex-wrap items-center gap-2"
    >
      <input type="hidden" name="id" value={id} />
      {state?.message && (
        <p role="alert" className="text-sm text-bad">
          {state.message}
        </p>
      )}
      <Button type="submit" look="danger" disabled={isEnding}>
        Revoke for good
      </Button>
      <Button autoFocus onClick={() => setAsked(false)}>
        Keep
      </Button>
    </form>
  );
}
