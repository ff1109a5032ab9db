// Sends a recording. XMLHttpRequest, because fetch does not tell how much has left.
import { address } from "./browser";
import { asProblem, Problem, problemOf } from "./problem";
import type { JobOptions } from "./types";

export type Upload = { sent: Promise<string>; abort: () => void };

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Start an upload; `sent` gives the job's id. `onProgress` gets 0 to 1. */
export function upload(file: File, options: JobOptions, key: string, onProgress: (part: number) => void): Upload {
  const form = new FormData();
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && value !== null && value !== "") form.set(name, String(value));
  }
  form.set("file", file); // last: the server knows the options before the bytes come

  const request = new XMLHttpRequest();
  const sent = new Promise<string>((resolve, reject) => {
    request.open("POST", address("/api/v1/jobs"));
    request.setRequestHeader("Idempotency-Key", key);
    request.upload.onprogress = (event) => onProgress(event.lengthComputable ? event.loaded / event.total : 0);
    request.onload = () => {
      const body = read(request.responseText);
      const id = typeof body === "object" && body !== null && "job_id" in body ? String(body.job_id) : null;
      if (request.status === 202 && id) resolve(id);
      else reject(problemOf(request.status, body, request.getResponseHeader("retry-after")));
    };
    request.onerror = () => reject(asProblem(null));
    request.onabort = () => reject(new Problem({ code: "aborted", detail: "You stopped the upload." }));
    request.send(form);
  });
  return { sent, abort: () => request.abort() };
}
