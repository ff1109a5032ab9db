"use client";

import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";

import type { Job } from "@/lib/api/types";
import { isFinal } from "@/lib/jobs/phases";
import { useJob } from "@/lib/jobs/use-job";
import { useDoneNotice } from "@/lib/preferences/use-done-notice";

import { Completed } from "./completed";
import { Ended } from "./ended";
import { Progress } from "./progress";

type Props = { initial: Job; serverNow: string };

export function nameOf(job: Pick<Job, "title" | "original_filename" | "input_type">): string {
  return job.title || job.original_filename || (job.input_type === "youtube" ? "Video from YouTube" : "Untitled song");
}

/** One song, whatever has become of it. */
export function JobView({ initial, serverNow }: Props) {
  const followed = useJob(initial);
  const { job } = followed;
  // How far the server's clock is from this device's: the times of running work are counted by the server's
  const skew = useQuery({ queryKey: ["skew"], queryFn: () => Date.parse(serverNow) - Date.now(), staleTime: Infinity }).data ?? 0;
  useDoneNotice(job);

  useEffect(() => {
    const prefix = isFinal(job.status) || job.revision > 0 ? "" : `${job.progress} % · `;
    document.title = `${prefix}${nameOf(job)} · DrumScribe`;
  }, [job]);

  // A score that is written anew stays on the stand meanwhile
  if (job.status === "completed" || (job.revision > 0 && !isFinal(job.status))) return <Completed job={job} />;
  if (isFinal(job.status)) return <Ended job={job} stream={followed.stream} />;
  return <Progress {...followed} skew={skew} />;
}
