// Renews sessions. A refresh token works once, and its second use ends the session: whoever needs a renewal while one is under
// way waits for it, and whoever comes shortly after with the cookie from before gets the same answer.
import { createHash } from "node:crypto";

import { type AccountSession, accountSession, type Session } from "./session";
import { forwardedHeaders, upstream } from "./upstream";

/** A browser may go on sending the old cookie for so long: requests under way, answers that were never read. */
const REMEMBERED_MS = 5 * 60_000;
const TIMEOUT_MS = 15_000;
/** Renewals of one request, if it comes with a cookie that is several renewals old. */
const LONGEST_CHAIN = 64;

type Answer = { session: AccountSession } | "ended" | "unreachable";
type Remembered = { answer: Promise<Answer>; until: number };
export type Renewal = { session: Session; renewed: boolean } | "ended";

// Pages, actions, routes and the proxy are bundled apart: what they share hangs on the process
const shared = globalThis as typeof globalThis & { drumscribeRenewals?: Map<string, Remembered> };
const remembered = (shared.drumscribeRenewals ??= new Map<string, Remembered>());

async function ask(session: AccountSession, headers: Headers): Promise<Answer> {
  try {
    const answer = await fetch(`${upstream()}/api/v1/auth/refresh`, {
      method: "POST",
      headers: { ...forwardedHeaders(headers), "content-type": "application/json" },
      body: JSON.stringify({ refresh_token: session.refresh }),
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (answer.ok) return { session: accountSession(await answer.json()) };
    return answer.status < 500 && answer.status !== 429 ? "ended" : "unreachable";
  } catch (cause) {
    console.error("session_not_renewed", cause);
    return "unreachable";
  }
}

function renewOnce(session: AccountSession, headers: Headers): Promise<Answer> {
  const now = Date.now();
  const name = createHash("sha256").update(session.refresh).digest("base64url");
  const known = remembered.get(name);
  if (known && known.until > now) return known.answer;
  for (const [old, { until }] of remembered) if (until <= now) remembered.delete(old);
  const entry = { answer: ask(session, headers), until: now + REMEMBERED_MS };
  remembered.set(name, entry);
  void entry.answer.then((answer) => {
    if (answer === "unreachable" && remembered.get(name) === entry) remembered.delete(name); // the next request may try again
  });
  return entry.answer;
}

/** A session whose tokens are good for a while; "ended" if the API does not know it any more. */
export async function fresh(session: Session, headers: Headers): Promise<Renewal> {
  let current = session;
  for (let turn = 0; turn < LONGEST_CHAIN; turn++) {
    if (current.kind === "key" || current.renewAt > Date.now()) break;
    const answer = await renewOnce(current, headers);
    if (answer === "ended") return "ended";
    if (answer === "unreachable") break; // whoever asks the API next will be told so
    current = answer.session;
  }
  return { session: current, renewed: current !== session };
}
