import type { JobQuery } from "@/lib/api/calls";

/** Under which names TanStack Query keeps what the server said. */
export const jobKey = (id: string) => ["job", id] as const;
export const resultKey = (id: string, revision: number) => ["result", id, revision] as const;
export const revisionKey = (id: string, revision: number) => ["revision", id, revision] as const;
export const revisionsKey = (id: string, newest: number) => ["revisions", id, newest] as const;
export const sharesKey = (id: string) => ["shares", id] as const;
export const sharedKey = (token: string) => ["shared", token] as const;
export const jobsKey = (query: Pick<JobQuery, "q">) => ["jobs", query.q ?? ""] as const;

/** A key that makes a repeated request harmless. `crypto.randomUUID` is missing where a page came without encryption. */
export function idempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** How many songs are asked for at a time. */
export const PAGE_SIZE = 20;
