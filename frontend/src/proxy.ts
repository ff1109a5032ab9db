// Pages get a policy that lets only this web app's own scripts run, and are shown to whoever may see them.
// `/api` is left out: bodies there are streamed.
import type { NextRequest } from "next/server";
import { NextResponse } from "next/server";

import { admit, PAGE_PATH, withSession } from "@/lib/bff/admission";
import { cookieOptions, isEncrypted, sealed, SESSION_COOKIE } from "@/lib/bff/session";

/** Pages that show a score to whoever has its link; the second kind may stand in pages of others. */
const SHARED = /^\/(s|embed)\//;
const EMBEDDED = /^\/embed\//;

function policy(nonce: string, mayBeFramed: boolean): string {
  const outside = process.env.NEXT_PUBLIC_API_URL ? ` ${new URL(process.env.NEXT_PUBLIC_API_URL).origin}` : "";
  const isDevelopment = process.env.NODE_ENV === "development";
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic' 'wasm-unsafe-eval'${isDevelopment ? " 'unsafe-eval'" : ""}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    `media-src 'self' blob:${outside}`,
    "worker-src 'self' blob:",
    `connect-src 'self' blob:${outside}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    `frame-ancestors ${mayBeFramed ? "*" : "'none'"}`,
  ].join("; ");
}

function protect(response: NextResponse, csp: string, isShared = false): NextResponse {
  response.headers.set("content-security-policy", csp);
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("referrer-policy", isShared ? "no-referrer" : "same-origin");
  if (isShared) response.headers.set("x-robots-tag", "noindex");
  response.headers.set("permissions-policy", "camera=(), geolocation=(), microphone=()");
  return response;
}

export async function proxy(request: NextRequest): Promise<NextResponse> {
  const nonce = btoa(crypto.randomUUID());
  const { pathname } = request.nextUrl;
  const csp = policy(nonce, EMBEDDED.test(pathname));
  const headers = new Headers(request.headers);
  headers.set("x-nonce", nonce);
  headers.set("content-security-policy", csp);
  headers.delete(PAGE_PATH);
  if (SHARED.test(pathname)) return protect(NextResponse.next({ request: { headers } }), csp, true); // whoever asks
  // Whatever is posted is an action: it renews its session and sets its cookie itself, and a cookie set here would outdo that one
  if (request.method !== "GET" && request.method !== "HEAD") return protect(NextResponse.next({ request: { headers } }), csp);
  const path = request.nextUrl.pathname + request.nextUrl.search;
  const { to, cookie } = await admit(request.headers, path);
  headers.set(PAGE_PATH, path);
  if (cookie !== undefined) {
    const value = cookie === null ? null : sealed(cookie);
    headers.set("cookie", withSession(headers.get("cookie"), SESSION_COOKIE, value));
  }
  const response = to === null ? NextResponse.next({ request: { headers } }) : NextResponse.redirect(new URL(to, request.nextUrl));
  if (cookie !== undefined) {
    const secure = isEncrypted(request.headers, request.url);
    response.cookies.set(SESSION_COOKIE, cookie === null ? "" : sealed(cookie), cookieOptions(cookie, secure));
  }
  return protect(response, csp);
}

export const config = {
  matcher: [{ source: "/((?!api/|_next/static|_next/image|favicon.ico|icon.svg|demo.flac).*)" }],
};
