"use client";

import { Check, Copy } from "lucide-react";
import { useId, useRef, useState } from "react";

import { Button } from "@/components/ui/button";
import { copyFrom } from "@/lib/share/links";

type Props = { label: string; value: string; button: string; shownLabel?: boolean };

/** Text to be pasted elsewhere, and a button that puts it on the clipboard. */
export function CopyField({ label, value, button, shownLabel = false }: Props) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [said, say] = useState<"" | "Copied" | "This browser does not let pages copy: select the text and copy it.">("");

  async function copy() {
    if (field.current) say((await copyFrom(field.current)) ? "Copied" : "This browser does not let pages copy: select the text and copy it.");
  }

  return (
    <div>
      <label htmlFor={id} className={shownLabel ? "mb-1 block text-sm font-medium" : "sr-only"}>
        {label}
      </label>
      <div className="flex gap-2">
        <input
          ref={field}
          id={id}
          readOnly
          value={value}
          onFocus={(event) => event.target.select()}
          onBlur={() => say("")}
          className="control min-w-0 flex-1 text-sm! text-ellipsis"
        />
        <Button onClick={() => void copy()} aria-label={button}>
          {said === "Copied" ? <Check aria-hidden /> : <Copy aria-hidden />}
          Copy
        </Button>
      </div>
      <p role="status" className={said === "" ? "sr-only" : "mt-1 text-sm text-soft"}>
        {said}
      </p>
    </div>
  );
}
