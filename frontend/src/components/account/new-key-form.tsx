"use client";

import { useActionState, useEffect, useRef } from "react";

import { type KeyState, makeKey } from "@/app/account/actions";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { Summary } from "@/components/ui/summary";
import { LIVES, SCOPE_NAMES, SCOPES } from "@/lib/account/keys";

import { ShownKey } from "./shown-key";
import { TextField } from "./text-field";

const GIVEN = new Set(["jobs:read", "jobs:write"]);

/** Makes a key and shows it, this once. */
export function NewKeyForm({ isAdmin }: { isAdmin: boolean }) {
  const form = useRef<HTMLFormElement>(null);
  const [state, make, isMaking] = useActionState<KeyState, FormData>(makeKey, null);
  const problem = state?.problem;
  useEffect(() => {
    if (problem?.fields) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [problem]);
  return (
    <>
      {state?.made && <ShownKey key={state.made.id} made={state.made} />}
      <details className="group mt-2">
        <Summary>Make a key</Summary>
        <form ref={form} action={make} noValidate aria-label="Make a key" className="max-w-md space-y-4 pt-2">
          {problem?.message && <Notice tone="bad">{problem.message}</Notice>}
          <TextField
            id="key-name"
            name="name"
            label="What it is for"
            placeholder="Band website"
            autoComplete="off"
            maxLength={200}
            defaultValue={state?.kept?.name}
            error={problem?.fields?.name}
          />
          <fieldset aria-describedby={problem?.fields?.scopes ? "scopes-error" : undefined}>
            <legend className="mb-1 text-sm font-medium">What it may do</legend>
            {SCOPES.filter((scope) => scope !== "admin" || isAdmin).map((scope) => (
              <label key={scope} className="flex min-h-11 items-center gap-3">
                <input type="checkbox" name="scopes" value={scope} defaultChecked={GIVEN.has(scope)} className="size-5 accent-accent" />
                <span>
                  {SCOPE_NAMES[scope]} <code className="text-sm text-soft">{scope}</code>
                </span>
              </label>
            ))}
            {problem?.fields?.scopes && (
              <p id="scopes-error" role="alert" className="text-sm text-bad">
                {problem.fields.scopes}
              </p>
            )}
          </fieldset>
          <Field id="life" label="How long it holds">
            <select id="life" name="life" defaultValue={state?.kept?.life ?? "90"} className="control">
              {LIVES.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </Field>
          <Button type="submit" disabled={isMaking} className="max-sm:w-full">
            {isMaking ? "Making it…" : "Make the key"}
          </Button>
        </form>
      </details>
    </>
  );
}
