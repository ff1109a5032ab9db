"use client";

import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { api } from "@/lib/api/browser";
import { listJobs } from "@/lib/api/calls";
import type { Problem } from "@/lib/api/problem";
import type { JobList } from "@/lib/api/types";
import { jobsKey, PAGE_SIZE } from "@/lib/jobs/keys";
import { isFinal } from "@/lib/jobs/phases";

const POLL_MS = 3000;

/** Follows what is typed with a short delay, so that not every letter asks the server. */
function useSettled(text: string, ms: number): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), ms);
    return () => clearTimeout(timer);
  }, [text, ms]);
  return settled;
}

/** The caller's songs, newest first; asked for again while one of them is being worked on. */
export function useSongs(first: JobList, typed: string) {
  const q = useSettled(typed.trim(), 250);
  const query = useInfiniteQuery<JobList, Problem, { pages: JobList[] }, readonly string[], string | undefined>({
    queryKey: jobsKey({ q }),
    queryFn: ({ pageParam, signal }) => listJobs(api, { limit: PAGE_SIZE, cursor: pageParam, q: q || undefined }, signal),
    initialPageParam: undefined,
    initialData: q === "" ? { pages: [first], pageParams: [undefined] } : undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some((job) => !isFinal(job.status))) ? POLL_MS : false,
  });
  return { ...query, q, songs: query.data?.pages.flatMap((page) => page.items) ?? [] };
}
