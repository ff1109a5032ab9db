// The session of the request that is being answered, for pages and actions.
import "server-only";

import { cookies, headers } from "next/headers";

import { PAGE_PATH } from "@/lib/bff/admission";
import { fresh } from "@/lib/bff/renewal";
import { cookieOptions, isEncrypted, opened, sealed, type Session, SESSION_COOKIE } from "@/lib/bff/session";

/** Who has signed in, as the cookie says; the API may think otherwise. */
export async function heldSession(): Promise<Session | null> {
  return opened((await cookies()).get(SESSION_COOKIE)?.value);
}

/** The same, with tokens that are good for a while; null if the session has ended. */
export async function currentSession(): Promise<Session | null> {
  const held = await heldSession();
  if (held === null) return null;
  const incoming = await headers();
  const renewal = await fresh(held, incoming);
  if (renewal === "ended") return null;
  // Pages cannot set cookies; the proxy has just done it for them
  if (renewal.renewed && !incoming.has(PAGE_PATH)) await keepSession(renewal.session);
  return renewal.session;
}

/** Keep a session in the browser, or take it back. For actions. */
export async function keepSession(session: Session | null): Promise<void> {
  const secure = isEncrypted(await headers());
  (await cookies()).set(SESSION_COOKIE, session === null ? "" : sealed(session), cookieOptions(session, secure));
}
