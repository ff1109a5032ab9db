// Who a browser has signed in as: kept in one cookie that its scripts cannot read, so that both tokens always belong together.

/** Signed in with an account; `id` is who the API takes one for. `renewAt` is when the next pair of tokens is to be asked for, in ms since 1970. */
export type AccountSession = { kind: "account"; id: string; name: string; access: string; refresh: string; renewAt: number; endsAt: number };
/** An API key that was entered in this browser. */
export type KeySession = { kind: "key"; id: string; name: string; key: string; endsAt: number };
export type Session = AccountSession | KeySession;

export const SESSION_COOKIE = "drumscribe_session";

/** So long a browser keeps a key that was entered. */
const KEY_LIFE_MS = 90 * 86_400_000;
/** As much of a key as the API shows of it too. */
const SHOWN_OF_KEY = 14;
/** Tokens are renewed so long before they end, or when a quarter of their life is left. */
const MARGIN_S = 30;

type Issued = {
  access_token: string;
  refresh_token: string;
  expires_in: number;
  session_expires_in: number;
  user: { id: string; name: string; email: string | null };
};

/** The session that the API opened. */
export function accountSession(issued: Issued, now = Date.now()): AccountSession {
  const margin = Math.min(MARGIN_S, issued.expires_in / 4);
  return {
    kind: "account",
    id: `user:${issued.user.id}`,
    name: (issued.user.name || issued.user.email || "Your account").slice(0, 100),
    access: issued.access_token,
    refresh: issued.refresh_token,
    renewAt: Math.floor(now + (issued.expires_in - margin) * 1000),
    endsAt: now + issued.session_expires_in * 1000,
  };
}

export const keySession = (key: string, id: string, now = Date.now()): KeySession => ({
  kind: "key",
  id,
  name: `${key.slice(0, SHOWN_OF_KEY)}…`,
  key,
  endsAt: now + KEY_LIFE_MS,
});

/** What goes into `Authorization`. */
export const bearer = (session: Session): string => `Bearer ${session.kind === "key" ? session.key : session.access}`;

/** A session as the value of its cookie. */
export const sealed = (session: Session): string => Buffer.from(JSON.stringify(session), "utf8").toString("base64url");

// Goes into a header: nothing that could end it, or begin another
const isSecret = (value: unknown): value is string => typeof value === "string" && /^[\w.~+/=-]{1,3000}$/.test(value);

function isSession(value: unknown): value is Session {
  if (typeof value !== "object" || value === null) return false;
  const held = value as Record<string, unknown>;
  if (typeof held.id !== "string" || typeof held.name !== "string" || !Number.isFinite(held.endsAt)) return false;
  if (held.kind === "key") return isSecret(held.key);
  return held.kind === "account" && isSecret(held.access) && isSecret(held.refresh) && Number.isFinite(held.renewAt);
}

/** The session in the value of a cookie; null if there is none, or it makes no sense. */
export function opened(value: string | undefined): Session | null {
  if (!value) return null;
  try {
    const found: unknown = JSON.parse(Buffer.from(value, "base64url").toString("utf8"));
    return isSession(found) ? found : null;
  } catch {
    return null;
  }
}

/** The value of one cookie in a `Cookie` header. */
export function cookieOf(header: string | null, name = SESSION_COOKIE): string | undefined {
  for (const part of (header ?? "").split(";")) {
    const at = part.indexOf("=");
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

/** Whether the browser came over an encrypted connection, as far as this server is told. */
export function isEncrypted(headers: Headers, url?: string): boolean {
  const told = headers.get("x-forwarded-proto")?.split(",")[0]?.trim();
  return told ? told === "https" : Boolean(url?.startsWith("https:"));
}

/** How the cookie is set. `null` takes it back. */
export function cookieOptions(session: Session | null, secure: boolean, now = Date.now()) {
  const maxAge = session === null ? 0 : Math.max(0, Math.floor((session.endsAt - now) / 1000));
  return { httpOnly: true, sameSite: "lax", secure, path: "/", maxAge } as const;
}

/** The same as a `Set-Cookie` header. */
export function setCookie(session: Session | null, secure: boolean, now = Date.now()): string {
  const { maxAge } = cookieOptions(session, secure, now);
  const value = session === null ? "" : sealed(session);
  return `${SESSION_COOKIE}=${value}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
}
