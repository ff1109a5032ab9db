// Where somebody wanted to go before they were asked to sign in.

const NOT_BACK_TO = /^\/(sign-in|sign-up|api)(\/|$)/;
// Only its path counts; a host that nobody can have
const HERE = "http://web.invalid";

/** A path of this web app, whatever was asked for: nobody is sent elsewhere. */
export function safePath(wanted: string | null | undefined): string {
  if (!wanted || wanted.length > 2000 || !wanted.startsWith("/") || !URL.canParse(wanted, HERE)) return "/";
  const { origin, pathname, search, hash } = new URL(wanted, HERE);
  // `/.//elsewhere` has this origin, and a path that browsers take for another
  if (origin !== HERE || pathname.startsWith("//") || pathname.includes("\\") || NOT_BACK_TO.test(pathname)) return "/";
  return pathname + search + hash;
}

/** The sign-in page, and the way back from it. */
export function signInAddress(from: string, ended = false): string {
  const back = safePath(from);
  const query = new URLSearchParams({ ...(ended && { ended: "1" }), ...(back !== "/" && { next: back }) });
  return query.size === 0 ? "/sign-in" : `/sign-in?${query}`;
}

const OPEN = /^\/(sign-in|sign-up|accuracy|settings)$|^\/(s|embed)\//;
const IS_FILE = /\.[a-z0-9]{2,5}$/i;

/** Whether a page needs nobody to have signed in. */
export const isOpenPage = (path: string): boolean => OPEN.test(path) || IS_FILE.test(path);
