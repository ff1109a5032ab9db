"use client";

import { useEffect, useState } from "react";

/** The time on this device, told again every so many ms; 0 until the page lives in a browser. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(0);
  useEffect(() => {
    const tell = () => setNow(Date.now());
    const first = setTimeout(tell, 0);
    const timer = setInterval(tell, everyMs);
    return () => {
      clearTimeout(first);
      clearInterval(timer);
    };
  }, [everyMs]);
  return now;
}
