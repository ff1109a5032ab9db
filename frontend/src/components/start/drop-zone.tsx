"use client";

import { AudioLines } from "lucide-react";
import { type DragEvent, useEffect, useRef, useState } from "react";

import type { Limits } from "@/lib/api/types";
import { span } from "@/lib/format";

type Props = { limits: Limits; onFiles: (files: readonly File[]) => void };

/** The whole window takes what is dropped; the zone is a button for everybody else. */
export function DropZone({ limits, onFiles }: Props) {
  const [isOver, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const accept = limits.accepted_types.map((type) => `.${type}`).join(",");

  useEffect(() => {
    const stay = (event: globalThis.DragEvent) => event.preventDefault(); // a miss must not open the file instead
    window.addEventListener("dragover", stay);
    window.addEventListener("drop", stay);
    return () => {
      window.removeEventListener("dragover", stay);
      window.removeEventListener("drop", stay);
    };
  }, []);

  function drop(event: DragEvent) {
    event.preventDefault();
    setOver(false);
    onFiles(Array.from(event.dataTransfer.files));
  }

  return (
    <>
      <button
        type="button"
        onClick={() => input.current?.click()}
        onDragOver={() => setOver(true)}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
        className={`flex min-h-52 w-full flex-1 flex-col items-center justify-center gap-1 rounded-lg border-2 border-dashed p-6 text-center transition-colors ${isOver ? "border-accent bg-wash" : "border-edge hover:border-accent hover:bg-wash/50"}`}
      >
        <AudioLines aria-hidden className="mb-2 size-8 text-accent" strokeWidth={1.5} />
        <span className="text-lg font-semibold">
          <span className="hidden pointer-fine:inline">Drop a song here, or choose a file</span>
          <span className="pointer-fine:hidden">Choose a song</span>
        </span>
        <span className="text-sm text-soft">
          MP3, WAV, FLAC, M4A and others, up to {limits.max_file_size_mb} MB and {span(limits.max_duration_seconds)}
        </span>
      </button>
      <input
        ref={input}
        type="file"
        accept={accept}
        aria-label="Recording"
        tabIndex={-1}
        className="sr-only"
        onChange={(event) => {
          onFiles(Array.from(event.target.files ?? []));
          event.target.value = "";
        }}
      />
    </>
  );
}
