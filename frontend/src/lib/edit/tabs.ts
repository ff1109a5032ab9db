"use client";

import { useEffect, useRef } from "react";

import { idempotencyKey } from "@/lib/jobs/keys";

import { keeperOf, type Keeper } from "./keep";

/** This tab's own name, for what several tabs keep in one place. */
const TAB = typeof window === "undefined" ? "" : idempotencyKey();

function storage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null; // switched off
  }
}

export const browserKeeper = (jobId: string): Keeper => keeperOf(jobId, TAB, typeof window === "undefined" ? null : storage());

const channelOf = (jobId: string): BroadcastChannel | null =>
  typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(`song ${jobId}`);

/** Tells other tabs with this song that it is being written anew. */
export function tellTabs(jobId: string): void {
  const channel = channelOf(jobId);
  channel?.postMessage("written anew");
  channel?.close();
}

/** Calls back when another tab has a song written anew. */
export function useOtherTabs(jobId: string, callback: () => unknown): void {
  const latest = useRef(callback);
  useEffect(() => {
    latest.current = callback;
  });
  useEffect(() => {
    const channel = channelOf(jobId);
    if (channel) channel.onmessage = () => void latest.current();
    return () => channel?.close();
  }, [jobId]);
}
