"use client";

import { type ReactNode, useActionState, useEffect, useRef } from "react";

import { Button, type Look } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import type { FormState } from "@/lib/account/form";

type Props = {
  action: (before: FormState, form: FormData) => Promise<FormState>;
  label: string;
  submit: string;
  pending: string;
  look?: Look;
  children: (state: FormState) => ReactNode;
};

/** A form that an action of the server answers. What is wrong is read out, and the first field that is gets the focus. */
export function SentForm({ action, label, submit, pending, look = "primary", children }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const [state, send, isSending] = useActionState<FormState, FormData>(action, null);
  useEffect(() => {
    if (state?.fields) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [state]);
  return (
    <form ref={form} action={send} noValidate aria-label={label} className="space-y-4">
      {state?.message && <Notice tone="bad">{state.message}</Notice>}
      {children(state)}
      <p role="status" className={state?.done ? "text-[0.9375rem] text-good" : "sr-only"}>
        {state?.done ?? (state?.fields ? Object.values(state.fields).join(" ") : "")}
      </p>
      <Button type="submit" look={look} disabled={isSending} className="max-sm:w-full">
        {isSending ? pending : submit}
      </Button>
    </form>
  );
}
