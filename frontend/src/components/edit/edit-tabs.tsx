"use client";

import { X } from "lucide-react";

export type Tab = "notes" | "review" | "pulse" | "versions";

type Props = { tab: Tab; onTab: (tab: Tab) => void; queue: number; onClose: () => void };

/** What one can correct, one thing at a time. */
export function EditTabs({ tab, onTab, queue, onClose }: Props) {
  const tabs: [Tab, string, string][] = [
    ["notes", "Notes", "Notes"],
    ["review", "Review", `Review the ${queue} least certain bars`],
    ["pulse", "Tempo", "Tempo and bars"],
    ["versions", "Versions", "Versions"],
  ];
  return (
    <div className="flex items-start justify-between gap-2">
      <div role="group" aria-label="What to correct" className="flex flex-wrap">
        {tabs
          .filter(([name]) => name !== "review" || queue > 0)
          .map(([name, short, label]) => (
            <button
              key={name}
              type="button"
              aria-pressed={tab === name}
              aria-label={label}
              title={label}
              onClick={() => onTab(name)}
              className={`min-h-11 border-b-2 px-2 text-sm font-medium sm:px-3 ${tab === name ? "border-accent text-accent" : "border-transparent hover:bg-sunk"}`}
            >
              {short}
              {name === "review" && <span className="figures ml-1 font-normal text-soft">{queue}</span>}
            </button>
          ))}
      </div>
      <button type="button" aria-label="Close the corrections" title="Close (E)" onClick={onClose} className="inline-flex size-11 shrink-0 items-center justify-center rounded-lg hover:bg-sunk">
        <X aria-hidden className="size-5" />
      </button>
    </div>
  );
}
