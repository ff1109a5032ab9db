"use client";

import { ChevronDown, Download } from "lucide-react";
import type { KeyboardEvent, ToggleEvent } from "react";
import { useId, useRef } from "react";

import { Button } from "@/components/ui/button";
import { address } from "@/lib/api/browser";
import { available } from "@/lib/jobs/formats";

type Props = { paths: Readonly<Record<string, string>>; formats?: readonly string[] };

const STEPS: Record<string, (at: number, count: number) => number> = {
  ArrowDown: (at, count) => (at + 1) % count,
  ArrowUp: (at, count) => (at - 1 + count) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

/** Everything that the song can be taken home as, under one button. The browser closes it by Escape or a press elsewhere. */
export function DownloadMenu({ paths, formats }: Props) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const groups = available(paths, formats);
  const links = () => [...(menu.current?.querySelectorAll("a") ?? [])];

  function place({ newState }: ToggleEvent<HTMLDivElement>) {
    const at = button.current?.getBoundingClientRect();
    if (newState !== "open" || !at || !menu.current) return;
    menu.current.style.setProperty("--menu-top", `${at.bottom + 8}px`);
    menu.current.style.setProperty("--menu-right", `${Math.max(16, document.documentElement.clientWidth - at.right)}px`);
  }

  function move(event: KeyboardEvent) {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation(); // the player listens to arrows too
    const all = links();
    all[step(all.indexOf(document.activeElement as HTMLAnchorElement), all.length)]?.focus();
  }

  if (groups.length === 0) return null;
  return (
    <>
      <Button ref={button} popoverTarget={id}>
        <Download aria-hidden />
        Download
        <ChevronDown aria-hidden />
      </Button>
      <div
        ref={menu}
        id={id}
        popover="auto"
        role="group"
        aria-label="Downloads"
        onBeforeToggle={place}
        onToggle={({ newState }) => newState === "open" && links()[0]?.focus({ preventScroll: true })}
        onKeyDown={move}
        className="download-menu card p-2 text-ink shadow-xl"
      >
        {groups.map(({ title, formats: some }) => (
          <div key={title} className="not-last:mb-1 not-last:border-b not-last:border-line not-last:pb-1">
            <h2 className="px-3 pt-2 pb-1 text-sm font-semibold text-soft">{title}</h2>
            <ul aria-label={title}>
              {some.map(({ format, name, purpose }) => (
                <li key={format}>
                  <a
                    href={address(paths[format] ?? "")}
                    download
                    onClick={() => menu.current?.hidePopover()}
                    className="block min-h-11 rounded-lg px-3 py-1.5 hover:bg-sunk"
                  >
                    <span className="block leading-snug font-medium">{name}</span>
                    <span className="block text-sm leading-snug text-soft">{purpose}</span>
                  </a>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </div>
    </>
  );
}
