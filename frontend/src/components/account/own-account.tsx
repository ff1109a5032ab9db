"use client";

import { closeAccount, setPassword } from "@/app/account/actions";
import { Summary } from "@/components/ui/summary";

import { SentForm } from "./sent-form";
import { NewPasswordField, SecretField } from "./text-field";

type Props = { email: string | null; shortest: number };

/** Another password. */
export function ChangePassword({ email, shortest }: Props) {
  return (
    <section aria-labelledby="password-title" className="card p-4 sm:p-6">
      <h2 id="password-title" className="text-lg font-semibold">
        Password
      </h2>
      <p className="mt-1 mb-4 text-sm text-soft">Changing it signs out all other browsers and devices. API keys go on working.</p>
      <div className="max-w-md">
        <SentForm action={setPassword} label="Change the password" submit="Change the password" pending="Changing it…" look="plain">
          {(state) => (
            <>
              <input hidden readOnly type="email" autoComplete="username" value={email ?? ""} />
              <SecretField name="password" label="Password now" autoComplete="current-password" required error={state?.fields?.password} />
              <NewPasswordField name="new_password" label="New password" shortest={shortest} error={state?.fields?.new_password} />
            </>
          )}
        </SentForm>
      </div>
    </section>
  );
}

/** The end of an account; folded, because there is no way back. */
export function DeleteAccount() {
  return (
    <details className="card group">
      <Summary className="px-4 sm:px-6">Delete the account</Summary>
      <div className="max-w-md px-4 pt-2 pb-6 sm:px-6">
        <p className="mb-4 text-[0.9375rem]">
          Every song with its recording, score and corrections, every share link and every API key of this account is deleted, at once and for good.
          Download what you want to keep first.
        </p>
        <SentForm action={closeAccount} label="Delete the account" submit="Delete my account for good" pending="Deleting it…" look="danger">
          {(state) => (
            <>
              <SecretField
                id="closing-password"
                name="password"
                label="Your password"
                autoComplete="current-password"
                required
                error={state?.fields?.password}
              />
              <div>
                <label className="flex min-h-11 items-center gap-3">
                  <input
                    type="checkbox"
                    name="sure"
                    className="size-5 accent-accent"
                    aria-invalid={state?.fields?.sure ? true : undefined}
                    aria-describedby={state?.fields?.sure ? "sure-error" : undefined}
                  />
                  Yes, delete everything
                </label>
                {state?.fields?.sure && (
                  <p id="sure-error" className="text-sm text-bad">
                    {state.fields.sure}
                  </p>
                )}
              </div>
            </>
          )}
        </SentForm>
      </div>
    </details>
  );
}
