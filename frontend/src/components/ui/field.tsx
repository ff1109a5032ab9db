import type { ReactNode } from "react";

type Props = { id: string; label: string; hint?: string; children: ReactNode };

/** A control with its name and, under it, a word of help (`aria-describedby={`${id}-hint`}`). */
export function Field({ id, label, hint, children }: Props) {
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      {children}
      {hint && (
        <p id={`${id}-hint`} className="mt-1 text-sm text-soft">
          {hint}
        </p>
      )}
    </div>
  );
}
