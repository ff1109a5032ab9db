// The server as this web app's own server reaches it.
import "server-only";

import { headers } from "next/headers";
import { redirect } from "next/navigation";
import createClient from "openapi-fetch";

import { currentSession } from "@/lib/account/current";
import { signInAddress } from "@/lib/account/way-back";
import { PAGE_PATH } from "@/lib/bff/admission";
import { bearer, type Session } from "@/lib/bff/session";
import { forwardedHeaders, upstream } from "@/lib/bff/upstream";

import type { Api } from "./calls";
import type { paths } from "./schema";

/** A client that speaks for whoever sent the request which is being answered. Where a page needs credentials, it leads to the sign-in. */
export async function apiForRequest(): Promise<Api> {
  const page = (await headers()).get(PAGE_PATH); // an action has none: it says what is wrong, and what was typed stays
  const session = await currentSession();
  if (page === null) return apiFor(session);
  return apiFor(session, async (request) => {
    const answer = await fetch(request);
    if (answer.status === 401) redirect(signInAddress(page, session !== null));
    return answer;
  });
}

/** A client that speaks for a session, or for somebody without any. */
export async function apiFor(session: Session | null, asking?: (request: Request) => Promise<Response>): Promise<Api> {
  const known = forwardedHeaders(await headers());
  return createClient<paths>({
    baseUrl: upstream(),
    headers: session === null ? known : { ...known, authorization: bearer(session) },
    cache: "no-store",
    fetch: asking,
  });
}
