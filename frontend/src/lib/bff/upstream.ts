// Where the API is, and what of a browser's request it gets to see.

/** Address of the API as this server reaches it. */
export const upstream = (): string => (process.env.API_URL ?? "http://127.0.0.1:8000").replace(/\/$/, "");

const PASSED_ON = [
  "accept",
  "accept-language",
  "content-type",
  "content-length",
  "idempotency-key",
  "if-match",
  "if-none-match",
  "if-range",
  "last-event-id",
  "range",
  "x-forwarded-for",
  "x-request-id",
];

/** Headers for the API: who asks and for what, never the cookies of the web app. */
export function passedOnHeaders(incoming: Headers): Headers {
  const out = new Headers();
  for (const name of PASSED_ON) {
    const value = incoming.get(name);
    if (value !== null) out.set(name, value);
  }
  out.set("accept-encoding", "identity");
  return out;
}

/** Of the request whose page is being made, only what says who asks. */
export function forwardedHeaders(incoming: Headers): Record<string, string> {
  const address = incoming.get("x-forwarded-for");
  return address === null ? {} : { "x-forwarded-for": address };
}
