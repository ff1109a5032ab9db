// Passes a request on to the API and its answer back, both as streams: nothing is held in memory.
import { UNREACHABLE } from "@/lib/api/problem";

import { isForAnybody, isForged, isOpen } from "./doors";
import { fresh } from "./renewal";
import { bearer, cookieOf, isEncrypted, opened, setCookie } from "./session";
import { passedOnHeaders, upstream } from "./upstream";

const NOT_PASSED_BACK = [
  "connection",
  "content-encoding",
  "content-security-policy",
  "cross-origin-resource-policy",
  "date",
  "keep-alive",
  "server",
  "set-cookie",
  "transfer-encoding",
  "vary",
  "x-frame-options",
];

function refuse(status: number, code: string, title: string, detail: string, instance: string): Response {
  const body = { type: `urn:drumscribe:problem:${code}`, title, status, detail, instance, code, retryable: status === 503 };
  return Response.json(body, { status, headers: { "content-type": "application/problem+json", "cache-control": "no-store" } });
}

function answerHeaders(answer: Response): Headers {
  const out = new Headers(answer.headers);
  for (const name of NOT_PASSED_BACK) out.delete(name);
  // Compression would hold events back, and would make nonsense of a range
  const isStream = out.get("content-type")?.startsWith("text/event-stream");
  if (isStream || answer.status === 206) {
    out.set("cache-control", [answer.headers.get("cache-control"), "no-transform"].filter(Boolean).join(", "));
  }
  return out;
}

function keeping(cookie: string | null, answer: Response): Response {
  if (cookie !== null) answer.headers.append("set-cookie", cookie);
  return answer;
}

/** Headers for the API in the name of whoever has signed in, and the cookie to keep if their tokens had to be renewed. */
async function credentials(request: Request): Promise<{ headers: Headers; cookie: string | null }> {
  const headers = passedOnHeaders(request.headers);
  const held = opened(cookieOf(request.headers.get("cookie")));
  if (held === null) return { headers, cookie: null };
  const renewal = await fresh(held, request.headers);
  // The next page takes an ended session back; here another tab may have begun a new one meanwhile
  if (renewal === "ended") return { headers, cookie: null };
  headers.set("authorization", bearer(renewal.session));
  return { headers, cookie: renewal.renewed ? setCookie(renewal.session, isEncrypted(request.headers, request.url)) : null };
}

/** Answer `/api/<path>` with what the API says. */
export async function forward(request: Request, path: string): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  if (!isOpen(request.method, path)) {
    return refuse(404, "not_found", "There is no such thing", "There is nothing at this address.", pathname);
  }
  if (isForged(request.method, request.headers)) {
    return refuse(403, "cross_site", "Refused", "Another site tried to change something here.", pathname);
  }
  const { headers, cookie } = isForAnybody(path)
    ? { headers: passedOnHeaders(request.headers), cookie: null }
    : await credentials(request);
  const init: RequestInit & { duplex: "half" } = {
    method: request.method,
    headers,
    body: request.body,
    signal: request.signal,
    cache: "no-store",
    // A body that might have to be sent again, to another address, would be kept whole
    redirect: request.body === null ? "follow" : "error",
    duplex: "half",
  };
  try {
    const answer = await fetch(`${upstream()}/api/${path}${search}`, init);
    return keeping(cookie, new Response(answer.body, { status: answer.status, headers: answerHeaders(answer) }));
  } catch (cause) {
    if (!request.signal.aborted) console.error("api_unreachable", cause);
    return keeping(cookie, refuse(503, UNREACHABLE.code, UNREACHABLE.title, UNREACHABLE.detail, pathname));
  }
}
