"use client";

import { Check, Copy } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import { Button } from "@/components/ui/button";
import type { NewKey } from "@/lib/api/types";

/** A key that was just made. It cannot be shown again. */
export function ShownKey({ made }: { made: NewKey }) {
  const box = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const [said, setSaid] = useState("");
  useEffect(() => box.current?.focus(), []);

  async function copy() {
    field.current?.select();
    try {
      await navigator.clipboard.writeText(made.key); // missing where the page came without encryption
      setSaid("Copied.");
    } catch {
      setSaid("It is selected: copy it with Ctrl or ⌘ and C.");
    }
  }

  return (
    <div ref={box} tabIndex={-1} role="group" aria-labelledby="made-title" className="mt-4 rounded-lg bg-wash p-4">
      <p id="made-title" className="font-semibold">
        The key for “{made.name}”
      </p>
      <p className="mt-1 text-sm">Copy it now and keep it where secrets are kept: it is shown this once, and nobody can look it up later.</p>
      <div className="mt-3 flex flex-wrap gap-2">
        <input
          ref={field}
          readOnly
          aria-label="API key"
          value={made.key}
          onFocus={(event) => event.target.select()}
          className="control min-w-64 flex-1 font-mono text-sm!"
        />
        <Button onClick={() => void copy()}>
          {said === "Copied." ? <Check aria-hidden /> : <Copy aria-hidden />}
          Copy
        </Button>
      </div>
      <p role="status" className="mt-2 min-h-5 text-sm">
        {said}
      </p>
    </div>
  );
}
