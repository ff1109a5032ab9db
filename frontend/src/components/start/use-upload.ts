"use client";

import { useRouter } from "next/navigation";
import { useEffect, useRef, useState } from "react";

import { noteProblem } from "@/lib/account/signed-out";
import { asProblem } from "@/lib/api/problem";
import type { JobOptions } from "@/lib/api/types";
import { type Upload, upload } from "@/lib/api/upload";
import { adviceOnFile } from "@/lib/jobs/failures";
import { idempotencyKey } from "@/lib/jobs/keys";

export type UploadState = { name: "idle" } | { name: "sending"; part: number } | { name: "failed"; message: string; advice: string | null };

/** Sends one recording and goes to its job. What was sent twice, after a broken connection, is one job. */
export function useUpload() {
  const router = useRouter();
  const [state, setState] = useState<UploadState>({ name: "idle" });
  const running = useRef<Upload | null>(null);
  const key = useRef("");

  useEffect(() => () => running.current?.abort(), []);

  // Closing the page would end the upload: browsers ask first
  const isSending = state.name === "sending";
  useEffect(() => {
    if (!isSending) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [isSending]);

  async function start(file: File, options: JobOptions) {
    key.current ||= idempotencyKey();
    setState({ name: "sending", part: 0 });
    running.current = upload(file, options, key.current, (part) => setState({ name: "sending", part }));
    try {
      router.push(`/jobs/${await running.current.sent}`);
    } catch (error) {
      const problem = asProblem(error);
      noteProblem(problem);
      // The server has seen this request: another try with other options is another request
      if (problem.code !== "unreachable") key.current = "";
      setState(problem.code === "aborted" ? { name: "idle" } : { name: "failed", message: problem.message, advice: adviceOnFile(problem) });
    }
    running.current = null;
  }

  function reset() {
    key.current = "";
    setState({ name: "idle" });
  }

  return { state, start, stop: () => running.current?.abort(), reset };
}
