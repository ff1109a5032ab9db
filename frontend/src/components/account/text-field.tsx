"use client";

import { Eye, EyeOff } from "lucide-react";
import { type ComponentProps, useState } from "react";

type Props = ComponentProps<"input"> & { name: string; label: string; hint?: string; error?: string };

/** A line of text with its name, a word of help and what is wrong with it, tied together for those who listen. */
export function TextField({ name, id = name, label, hint, error, className = "", ...rest }: Props) {
  const about = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ");
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      <input
        id={id}
        name={name}
        aria-invalid={error ? true : undefined}
        aria-describedby={about || undefined}
        className={`control ${className}`}
        {...rest}
      />
      {hint && (
        <p id={`${id}-hint`} className="mt-1 text-sm text-soft">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="mt-1 text-sm text-bad">
          {error}
        </p>
      )}
    </div>
  );
}

/** The same for a secret, which can be looked at while it is typed. */
export function SecretField(props: Props) {
  const [isShown, setShown] = useState(false);
  const Sign = isShown ? EyeOff : Eye;
  return (
    <div className="relative">
      <TextField {...props} type={isShown ? "text" : "password"} spellCheck={false} autoCapitalize="none" className="pr-12" />
      <button
        type="button"
        aria-pressed={isShown}
        aria-label={`Show: ${props.label}`}
        title={isShown ? "Hide" : "Show"}
        onClick={() => setShown(!isShown)}
        className="absolute top-6 right-0 grid size-11 place-items-center rounded-lg text-soft hover:text-ink"
      >
        <Sign aria-hidden className="size-[1.125rem]" />
      </button>
    </div>
  );
}

type Known = Omit<Props, "label" | "name"> & { label?: string; name?: string };

/** The address that one signs in with, named so that password managers know it. */
export function EmailField({ name = "email", label = "E-mail", ...rest }: Known) {
  return (
    <TextField name={name} label={label} type="email" inputMode="email" autoComplete="username" autoCapitalize="none" spellCheck={false} required {...rest} />
  );
}

/** A password that is about to be made. */
export function NewPasswordField({ name = "password", label = "Password", shortest, ...rest }: Known & { shortest: number }) {
  return <SecretField name={name} label={label} hint={`At least ${shortest} characters.`} autoComplete="new-password" minLength={shortest} required {...rest} />;
}
