"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";

import { api } from "@/lib/api/browser";
import { createRevision, getJob, getRevision } from "@/lib/api/calls";
import type { Problem } from "@/lib/api/problem";
import type { Job, Revision, RevisionOptions } from "@/lib/api/types";
import { namedOperations, type NoteId } from "@/lib/edit/draft";
import { EditStore, type EditState } from "@/lib/edit/store";
import type { EditOperation } from "@/lib/edit/wire";
import { browserKeeper, tellTabs, useOtherTabs } from "@/lib/edit/tabs";
import { jobKey, revisionKey } from "@/lib/jobs/keys";
import { isFinal } from "@/lib/jobs/phases";

const WATCH_MS = 15_000; // how soon a version that was saved on another device is noticed

/** What is asked for beside the corrections: another pulse, other bars, or an earlier version again. */
export interface Wanted {
  options?: RevisionOptions;
  bars?: EditOperation;
  restore?: number;
}

/** Corrections of one song: what is unsaved, which version is shown, and how saving stands. */
export interface Editing {
  job: Job;
  store: EditStore;
  state: EditState;
  /** The version that the page shows: the one that is being corrected or looked at, else the newest. */
  shown: number;
  /** Not the newest, and not for correcting. */
  looking: boolean;
  look: (revision: number | null) => void;
  /** There is a newer version than the one that the unsaved corrections belong to. */
  behind: boolean;
  /** A new version is being written, by whomever. */
  writing: boolean;
  /** Why the last version could not be saved or written. */
  trouble: string | null;
  save: (wanted?: Wanted) => void;
  /** The version before the one on the page, if that changed tempo, metre or bars and was made here. */
  changed: number | null;
  /** The note whose correction the server refused. */
  refused: NoteId | null;
  /** To be called once the score of the new version is on the page. */
  settle: () => void;
}

export function useEditing(job: Job, open: boolean): Editing {
  const queries = useQueryClient();
  const [store] = useState(() => new EditStore(browserKeeper(job.id)));
  const state = useSyncExternalStore(store.subscribe, store.snapshot, store.snapshot);
  const [older, look] = useState<number | null>(null);
  const [awaited, setAwaited] = useState<number | null>(null);
  const [change, setChange] = useState<{ from: number; to: number } | null>(null);

  const dirty = state.count > 0;
  const ended = isFinal(job.status);
  const written = awaited !== null && ended && job.revision >= awaited;
  const gaveUp = awaited !== null && ended && job.revision < awaited;

  const refresh = () => queries.refetchQueries({ queryKey: jobKey(job.id) });
  useOtherTabs(job.id, refresh);
  useQuery<Job, Problem>({
    queryKey: jobKey(job.id),
    queryFn: ({ signal }) => getJob(api, job.id, signal),
    enabled: open || dirty,
    refetchInterval: WATCH_MS,
    staleTime: 1000,
  });

  const { data: failed } = useQuery<Revision, Problem>({
    queryKey: revisionKey(job.id, awaited ?? 0),
    queryFn: () => getRevision(api, job.id, awaited ?? 0),
    enabled: gaveUp,
  });

  const sent = namedOperations(state.draft);
  const saving = useMutation<Revision, Problem, Wanted, { ids: NoteId[] }>({
    mutationFn: async ({ options, bars, restore }) => {
      const base_revision = dirty ? state.revision : job.revision;
      const edits = [...sent.map(([, operation]) => operation), ...(bars ? [bars] : [])];
      const made = await createRevision(api, job.id, restore ? { base_revision, restore } : { ...options, base_revision, edits });
      await refresh(); // before anybody concludes from the old status that it is done
      return made;
    },
    onMutate: () => {
      setAwaited(null);
      return { ids: sent.map(([id]) => id) };
    },
    onSuccess: ({ number }, { options, bars }) => {
      setAwaited(number);
      setChange(options || bars ? { from: job.revision, to: number } : null);
      tellTabs(job.id);
    },
    onError: refresh, // what is newer is told with the job
  });

  // Corrections are kept until they are in a version; so that nothing jumps, until its score is shown
  const settle = () => {
    if (!written) return;
    store.clear();
    setAwaited(null);
  };

  const position = Number(/^body\.edits\.(\d+)/.exec(saving.error?.fields[0]?.field ?? "")?.[1] ?? NaN);
  const trouble = saving.error && saving.error.code !== "revision_conflict" ? saving.error.message : null;
  const failure = gaveUp && failed?.finished_at ? (failed.error?.message ?? "The new version could not be written.") : null;

  useEffect(() => {
    if (!dirty) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [dirty]);

  const base = dirty && !written ? state.revision : job.revision;
  return {
    job,
    store,
    state,
    shown: older ?? base,
    looking: older !== null && older !== job.revision,
    look,
    behind: dirty && (awaited === null || gaveUp) && state.revision < job.revision,
    writing: saving.isPending || !ended,
    trouble: trouble ?? failure,
    save: (wanted = {}) => saving.mutate(wanted),
    changed: change && change.to === job.revision && ended ? change.from : null,
    refused: saving.context?.ids[position] ?? null,
    settle,
  };
}
