// Thin functions over the generated types; the same ones for the browser and for the web app's own server.
import { unstable_rethrow } from "next/navigation";
import type { Client } from "openapi-fetch";

import type { EditOperation } from "@/lib/edit/wire";

import { asProblem, problemOf } from "./problem";
import type { paths } from "./schema";
import type {
  Caller,
  Job,
  JobList,
  JobOptions,
  JobResult,
  JobStatus,
  Key,
  KeyScope,
  Limits,
  Model,
  NewKey,
  Revision,
  RevisionOptions,
  Share,
  Shared,
  SharedResult,
  Tokens,
} from "./types";

export type Api = Client<paths>;
export type JobQuery = { limit?: number; cursor?: string; q?: string; status?: JobStatus };

type Answer<T> = { data?: T; error?: unknown; response: Response };

async function open<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer.catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    unstable_rethrow(cause); // on its way to the sign-in page
    throw asProblem(cause);
  });
  if (!response.ok) throw problemOf(response.status, error, response.headers.get("retry-after"));
  return data as T;
}

const at = (job_id: string) => ({ params: { path: { job_id } } });

export const getLimits = (api: Api): Promise<Limits> => open(api.GET("/api/v1/limits"));

export const getModels = async (api: Api): Promise<Model[]> => (await open(api.GET("/api/v1/models"))).items;

export const getJob = (api: Api, id: string, signal?: AbortSignal): Promise<Job> =>
  open(api.GET("/api/v1/jobs/{job_id}", { ...at(id), signal }));

export const getResult = (api: Api, id: string, revision?: number): Promise<JobResult> =>
  open(api.GET("/api/v1/jobs/{job_id}/result", { params: { path: { job_id: id }, query: { revision } } }));

export const listJobs = (api: Api, query: JobQuery, signal?: AbortSignal): Promise<JobList> =>
  open(api.GET("/api/v1/jobs", { params: { query }, signal }));

export const cancelJob = (api: Api, id: string): Promise<Job> => open(api.POST("/api/v1/jobs/{job_id}/cancel", at(id)));

export const renameJob = (api: Api, id: string, title: string): Promise<Job> =>
  open(api.PATCH("/api/v1/jobs/{job_id}", { ...at(id), body: { title } }));

export const deleteJob = async (api: Api, id: string): Promise<void> => {
  await open(api.DELETE("/api/v1/jobs/{job_id}", at(id)));
};

/** Have a new version written: with corrections, with other options, or both. */
export const createRevision = (
  api: Api,
  id: string,
  changes: RevisionOptions & { base_revision: number; edits?: EditOperation[]; restore?: number },
): Promise<Revision> => open(api.POST("/api/v1/jobs/{job_id}/revisions", { ...at(id), body: changes as never }));

export const getRevision = (api: Api, id: string, number: number): Promise<Revision> =>
  open(api.GET("/api/v1/jobs/{job_id}/revisions/{number}", { params: { path: { job_id: id, number } } }));

export const listRevisions = async (api: Api, id: string): Promise<Revision[]> =>
  (await open(api.GET("/api/v1/jobs/{job_id}/revisions", at(id)))).items;

export const listShares = async (api: Api, id: string): Promise<Share[]> =>
  (await open(api.GET("/api/v1/jobs/{job_id}/shares", at(id)))).items;

export const createShare = (api: Api, id: string, withAudio: boolean): Promise<Share> =>
  open(api.POST("/api/v1/jobs/{job_id}/shares", { ...at(id), body: { with_audio: withAudio } }));

export const revokeShare = async (api: Api, id: string, share: string): Promise<void> => {
  await open(api.DELETE("/api/v1/jobs/{job_id}/shares/{share_id}", { params: { path: { job_id: id, share_id: share } } }));
};

export const getShared = (api: Api, token: string): Promise<Shared> =>
  open(api.GET("/api/v1/shared/{token}", { params: { path: { token } } }));

export const getSharedResult = (api: Api, token: string): Promise<SharedResult> =>
  open(api.GET("/api/v1/shared/{token}/result", { params: { path: { token } } }));

/** Start a job from a link; returns its id. The same key never starts a second one. */
export async function createFromLink(api: Api, url: string, options: JobOptions, key: string): Promise<string> {
  const body = { ...options, youtube_url: url };
  const created = await open(
    api.POST("/api/v1/jobs", {
      params: { header: { "Idempotency-Key": key } },
      // The operation takes a form or JSON; the types name only the form
      body: body as never,
      headers: { "content-type": "application/json" },
    }),
  );
  return created.job_id;
}

/** Start a job from a recording that this server holds itself; browsers use `upload`. */
export async function createFromFile(api: Api, file: File, options: JobOptions): Promise<string> {
  const form = new FormData();
  for (const [name, value] of Object.entries(options)) form.set(name, String(value));
  form.set("file", file);
  const created = await open(api.POST("/api/v1/jobs", { body: form as never, bodySerializer: (body: unknown) => body as FormData }));
  return created.job_id;
}

// ---------------------------------------------------------------- accounts and keys

export const getMe = (api: Api, signal?: AbortSignal): Promise<Caller> => open(api.GET("/api/v1/auth/me", { signal }));

type Login = { email: string; password: string };

export const signIn = (api: Api, body: Login): Promise<Tokens> => open(api.POST("/api/v1/auth/login", { body }));

export const register = (api: Api, body: Login & { name: string }): Promise<Tokens> => open(api.POST("/api/v1/auth/register", { body }));

export const signOut = async (api: Api, refresh_token: string): Promise<void> => {
  await open(api.POST("/api/v1/auth/logout", { body: { refresh_token } }));
};

export const changePassword = (api: Api, current_password: string, new_password: string): Promise<Tokens> =>
  open(api.POST("/api/v1/auth/password", { body: { current_password, new_password } }));

export const deleteAccount = async (api: Api, password: string): Promise<void> => {
  await open(api.POST("/api/v1/auth/me/delete", { body: { password } }));
};

export const listKeys = async (api: Api): Promise<Key[]> => (await open(api.GET("/api/v1/keys"))).items;

export const createKey = (api: Api, body: { name: string; scopes: KeyScope[]; expires_at: string | null }): Promise<NewKey> =>
  open(api.POST("/api/v1/keys", { body }));

export const revokeKey = async (api: Api, key_id: string): Promise<void> => {
  await open(api.DELETE("/api/v1/keys/{key_id}", { params: { path: { key_id } } }));
};
