"use client";

import type { ReactNode } from "react";

type Props = { on: boolean; label: string; onClick: () => void; children: ReactNode; title?: string; wide?: boolean };

/** A button that stays pressed: 44 pixels each way, its state told by colour, border and `aria-pressed`. */
export function SwitchButton({ on, label, onClick, children, title, wide = false }: Props) {
  const look = on ? "border-accent bg-wash text-accent" : "border-transparent text-ink hover:bg-sunk";
  return (
    <button
      type="button"
      aria-pressed={on}
      aria-label={label}
      title={title ?? label}
      onClick={onClick}
      className={`inline-flex min-h-11 min-w-11 items-center justify-center gap-2 rounded-lg border text-sm font-medium ${look} ${wide ? "px-3" : ""} [&_svg]:size-5`}
    >
      {children}
    </button>
  );
}
