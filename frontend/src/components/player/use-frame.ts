"use client";

import { useEffect, useRef } from "react";

/** Calls back before every picture that the screen shows. */
export function useFrame(callback: () => void): void {
  const latest = useRef(callback);
  useEffect(() => {
    latest.current = callback;
  });
  useEffect(() => {
    let handle = 0;
    const step = () => {
      latest.current();
      handle = requestAnimationFrame(step);
    };
    handle = requestAnimationFrame(step);
    return () => cancelAnimationFrame(handle);
  }, []);
}
