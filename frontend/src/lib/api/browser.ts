// The server as the browser reaches it: through this web app, unless NEXT_PUBLIC_API_URL names another address.
import createClient from "openapi-fetch";

import type { Api } from "./calls";
import type { paths } from "./schema";

const base = (process.env.NEXT_PUBLIC_API_URL ?? "").replace(/\/$/, "");

export const api: Api = createClient<paths>({ baseUrl: base });

/** Where the browser finds a path that the server named, such as one of `result.downloads`. */
export const address = (path: string): string => `${base}${path}`;

/** The events of a job after the last one that is known. */
export const eventsAddress = (jobId: string, last = 0): string =>
  address(`/api/v1/jobs/${jobId}/events${last > 0 ? `?last_event_id=${last}` : ""}`);

export function downloadAddress(jobId: string, format: string, revision?: number): string {
  const query = revision === undefined ? "" : `?revision=${revision}`;
  return address(`/api/v1/jobs/${jobId}/download/${format}${query}`);
}
