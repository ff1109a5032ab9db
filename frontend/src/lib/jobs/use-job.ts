"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useReducer, useRef } from "react";

import { api, eventsAddress } from "@/lib/api/browser";
import { getJob } from "@/lib/api/calls";
import type { Problem } from "@/lib/api/problem";
import type { Job } from "@/lib/api/types";

import { jobKey } from "./keys";
import { isFinal } from "./phases";
import { EMPTY_STREAM, isNews, readEvent, type Stream, streamReducer } from "./stream";

const POLL_MS = 1500;
const RECONNECT_MS = 15_000;

export type FollowedJob = { job: Job; stream: Stream; problem: Problem | null };

/** A job as it is now: told by its events as they happen, asked for where events do not get through. */
export function useJob(initial: Job): FollowedJob {
  const id = initial.id;
  const queries = useQueryClient();
  const [stream, dispatch] = useReducer(streamReducer, EMPTY_STREAM);
  const query = useQuery<Job, Problem>({
    queryKey: jobKey(id),
    queryFn: ({ signal }) => getJob(api, id, signal),
    initialData: initial,
    staleTime: 1000,
    refetchInterval: ({ state }) => (stream.link === "polling" && state.data && !isFinal(state.data.status) ? POLL_MS : false),
  });
  const isOver = isFinal(query.data.status);
  const lastSeq = useRef(0);

  // A job that is over tells its history once; it is followed again when it is written anew
  useEffect(() => {
    if (isOver && lastSeq.current > 0) return;
    let source: EventSource | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;

    function connect() {
      source = new EventSource(eventsAddress(id, lastSeq.current));
      source.onopen = () => dispatch({ type: "opened" });
      source.addEventListener("status", receive);
      source.addEventListener("progress", receive);
      source.onerror = () => {
        const closed = source?.readyState === EventSource.CLOSED;
        dispatch({ type: "lost", closed });
        if (closed) timer = setTimeout(reconnect, RECONNECT_MS);
      };
    }

    function reconnect() {
      const known = queries.getQueryData<Job>(jobKey(id));
      if (known && !isFinal(known.status)) connect();
    }

    function receive(message: MessageEvent<string>) {
      const event = readEvent(message.data);
      if (!event) return;
      lastSeq.current = Math.max(lastSeq.current, event.seq);
      dispatch({ type: "event", event });
      const known = queries.getQueryData<Job>(jobKey(id));
      if (!known || !isNews(event, known)) return; // history: the job was asked for after this
      const { status, progress, stage, revision } = event.data;
      if (!isFinal(known.status)) queries.setQueryData<Job>(jobKey(id), { ...known, status, progress, stage, revision });
      if (isFinal(status)) {
        source?.close();
        dispatch({ type: "ended" });
        void queries.invalidateQueries({ queryKey: jobKey(id) });
      }
    }

    connect();
    return () => {
      clearTimeout(timer);
      source?.close();
    };
  }, [id, queries, isOver]);

  // A job that polling saw end needs no stream any more
  useEffect(() => {
    if (isOver && stream.link === "polling") dispatch({ type: "ended" });
  }, [isOver, stream.link]);

  return { job: query.data, stream, problem: query.error };
}
