"use client";

import { signInWithKey, signInWithPassword } from "@/app/sign-in/actions";
import { signUp } from "@/app/sign-up/actions";

import { SentForm } from "./sent-form";
import { EmailField, NewPasswordField, SecretField, TextField } from "./text-field";

type Props = { next: string };

/** E-mail and password, named so that password managers know them. */
export function PasswordForm({ next }: Props) {
  return (
    <SentForm action={signInWithPassword} label="Sign in" submit="Sign in" pending="Signing in…">
      {(state) => (
        <>
          <input type="hidden" name="next" value={next} />
          <EmailField defaultValue={state?.kept?.email} error={state?.fields?.email} />
          <SecretField name="password" label="Password" autoComplete="current-password" required error={state?.fields?.password} />
        </>
      )}
    </SentForm>
  );
}

/** An API key for this browser. */
export function KeyForm({ next }: Props) {
  return (
    <SentForm action={signInWithKey} label="Use an API key" submit="Use this key" pending="Trying the key…">
      {(state) => (
        <>
          <input type="hidden" name="next" value={next} />
          <SecretField
            name="key"
            label="API key"
            hint="It begins with ds_live_. It is kept for this browser, where no script can read it, until you remove it; 90 days at most."
            autoComplete="current-password"
            required
            error={state?.fields?.key}
          />
        </>
      )}
    </SentForm>
  );
}

/** A new account. */
export function SignUpForm({ next, shortest }: Props & { shortest: number }) {
  return (
    <SentForm action={signUp} label="Make an account" submit="Make the account" pending="Making it…">
      {(state) => (
        <>
          <input type="hidden" name="next" value={next} />
          <TextField
            name="name"
            label="Name (optional)"
            hint="What the pages call you. Nobody else sees it."
            autoComplete="name"
            maxLength={200}
            defaultValue={state?.kept?.name}
            error={state?.fields?.name}
          />
          <EmailField
            hint="You sign in with it. Nothing is sent to it, not even when you forget your password: let your browser keep that."
            defaultValue={state?.kept?.email}
            error={state?.fields?.email}
          />
          <NewPasswordField shortest={shortest} error={state?.fields?.password} />
        </>
      )}
    </SentForm>
  );
}
