// The server as this web app's own server reaches it.
import "server-only";

import { headers } from "next/headers";
import createClient from "openapi-fetch";

import { forwardedHeaders, upstream } from "@/lib/bff/upstream";

import type { Api } from "./calls";
import type { paths } from "./schema";

/** A client that speaks for whoever sent the request which is being answered. */
export async function apiForRequest(): Promise<Api> {
  const incoming = await headers();
  return createClient<paths>({ baseUrl: upstream(), headers: forwardedHeaders(incoming), cache: "no-store" });
}
