"use client";

import { useCallback, useEffect, useState } from "react";

/** A page is A4 or US letter; the nearer one is the paper to print on. */
function paperOf(ratio: number): string {
  return Math.abs(ratio - 11 / 8.5) < Math.abs(ratio - Math.SQRT2) ? "letter" : "A4";
}

/** Prints the service's pages: they are fetched first, and the browser is asked to print once all of them are here. */
export function usePrinting(enabled: boolean) {
  const [printing, setPrinting] = useState(false);
  const print = useCallback(() => setPrinting(true), []);

  const go = useCallback((ratio: number) => {
    const paper = document.createElement("style");
    paper.textContent = `@page { size: ${paperOf(ratio)}; margin: 0 }`;
    document.head.append(paper);
    document.documentElement.classList.add("prints-pages");
    const done = () => {
      paper.remove();
      document.documentElement.classList.remove("prints-pages");
      setPrinting(false);
    };
    window.addEventListener("afterprint", done, { once: true });
    window.print();
  }, []);

  useEffect(() => {
    if (!enabled) return;
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "p" || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
      event.preventDefault();
      setPrinting(true);
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [enabled]);

  return { printing, print, go };
}
