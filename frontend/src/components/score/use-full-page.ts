"use client";

import type { RefObject } from "react";
import { useCallback, useEffect, useState } from "react";

export interface FullPage {
  on: boolean;
  toggle: () => void;
}

/** The score alone on the page, and on the whole screen where the browser gives it away (phones of Apple do not). */
export function useFullPage(page: RefObject<HTMLElement | null>): FullPage {
  const [on, setOn] = useState(false);

  const toggle = useCallback(() => {
    const next = !document.documentElement.classList.contains("has-full-page");
    setOn(next);
    if (next) page.current?.requestFullscreen?.().catch(() => undefined);
    else if (document.fullscreenElement) void document.exitFullscreen();
  }, [page]);

  useEffect(() => {
    document.documentElement.classList.toggle("has-full-page", on);
    if (!on) return;
    const leave = () => document.fullscreenElement || setOn(false);
    const press = (event: KeyboardEvent) => event.key === "Escape" && !document.querySelector("dialog[open]") && setOn(false);
    document.addEventListener("fullscreenchange", leave);
    document.addEventListener("keydown", press);
    return () => {
      document.documentElement.classList.remove("has-full-page");
      document.removeEventListener("fullscreenchange", leave);
      document.removeEventListener("keydown", press);
    };
  }, [on]);

  return { on, toggle };
}
