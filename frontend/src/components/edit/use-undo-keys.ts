"use client";

import { useEffect, useRef } from "react";

import type { Commands } from "./use-commands";

const TYPED_IN = "input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, [contenteditable], dialog";

/** Ctrl+Z and its kin, wherever one stands on the page. */
export function useUndoKeys(commands: Commands): void {
  const latest = useRef(commands);
  useEffect(() => {
    latest.current = commands;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target instanceof Element ? event.target : null;
      if (!(event.ctrlKey || event.metaKey) || event.altKey || target?.closest(TYPED_IN)) return;
      const key = event.key.toLowerCase();
      if (key === "z" && !event.shiftKey) latest.current.undo();
      else if (key === "y" || key === "z") latest.current.redo();
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}
