// What browsers may ask the API for through this web app. Everything else is refused here.

const ID = "[0-9a-fA-F-]{36}";
const NAME = "[a-z0-9-]{1,40}";
const TOKEN = "[0-9A-Za-z]{22}";

type Door = readonly [methods: readonly string[], path: RegExp];

const DOORS: readonly Door[] = [
  [["GET"], /^v1\/(limits|models|health|auth\/me)$/],
  [["GET", "POST"], /^v1\/jobs$/],
  [["GET", "PATCH", "DELETE"], new RegExp(`^v1/jobs/${ID}$`)],
  [["POST"], new RegExp(`^v1/jobs/${ID}/cancel$`)],
  [["GET"], new RegExp(`^v1/jobs/${ID}/(result|events)$`)],
  [["GET", "HEAD"], new RegExp(`^v1/jobs/${ID}/download/${NAME}$`)],
  [["GET", "POST"], new RegExp(`^v1/jobs/${ID}/revisions$`)],
  [["GET"], new RegExp(`^v1/jobs/${ID}/revisions/[0-9]{1,6}$`)],
  [["GET", "POST"], new RegExp(`^v1/jobs/${ID}/shares$`)],
  [["DELETE"], new RegExp(`^v1/jobs/${ID}/shares/${ID}$`)],
  [["GET"], new RegExp(`^v1/shared/${TOKEN}(/result)?$`)],
  [["GET", "HEAD"], new RegExp(`^v1/shared/${TOKEN}/download/${NAME}$`)],
];

/** Whether a request with this method may go to this path (without its leading `/api/`). */
export function isOpen(method: string, path: string): boolean {
  return DOORS.some(([methods, pattern]) => methods.includes(method) && pattern.test(path));
}

/** Whether what lies there is for anybody: credentials are neither needed nor sent. */
export const isForAnybody = (path: string): boolean => path.startsWith("v1/shared/");

const CHANGES = new Set(["POST", "PUT", "PATCH", "DELETE"]);

/** Whether another site makes the visitor's browser change something here. */
export function isForged(method: string, headers: Headers): boolean {
  if (!CHANGES.has(method)) return false;
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  const origin = headers.get("origin");
  if (origin === null) return false; // no browser: nothing of a visitor's can be misused
  const host = headers.get("x-forwarded-host") ?? headers.get("host");
  return !URL.canParse(origin) || new URL(origin).host !== host;
}
