"use client";

import { useEffect, useRef } from "react";

import type { Job } from "@/lib/api/types";
import { isFinal } from "@/lib/jobs/phases";

import { tell } from "./notices";

/** Tells when a song that was being worked on is done. */
export function useDoneNotice({ id, status, title }: Job): void {
  const before = useRef(status);
  useEffect(() => {
    const wasActive = !isFinal(before.current);
    before.current = status;
    if (!wasActive) return;
    if (status === "completed") tell("The score is ready", title || "Your song", `/jobs/${id}`);
    if (status === "failed") tell("The song could not be transcribed", title || "Your song", `/jobs/${id}`);
  }, [id, status, title]);
}
