// Who may see which page: asked once for every page, before any part of it is made.
import { isOpenPage, signInAddress } from "@/lib/account/way-back";

import { entrance } from "./entrance";
import { fresh } from "./renewal";
import { cookieOf, opened, type Session } from "./session";

/** The header in which the proxy tells pages their address; no browser can send it. */
export const PAGE_PATH = "x-page-path";

/** `cookie` is the session to keep from now on, null to forget it, undefined to leave it alone. */
export type Admission = { to: string | null; cookie?: Session | null };

/** Where a request for a page goes (`to`: elsewhere), with a session whose tokens are good. */
export async function admit(headers: Headers, path: string): Promise<Admission> {
  const mode = (await entrance())?.auth_mode;
  if (mode === undefined || mode === "none") return { to: null }; // unreachable: the page will say so
  const [pathname = "/"] = path.split("?");
  const elsewhere = (ended: boolean) => (isOpenPage(pathname) ? null : signInAddress(path, ended));
  const held = opened(cookieOf(headers.get("cookie")));
  if (held === null) return { to: elsewhere(false) };
  if (held.endsAt <= Date.now() || (mode === "keys" && held.kind === "account")) return { to: elsewhere(true), cookie: null };
  const renewal = await fresh(held, headers);
  if (renewal === "ended") return { to: elsewhere(true), cookie: null };
  return renewal.renewed ? { to: null, cookie: renewal.session } : { to: null };
}

/** A `Cookie` header in which the session is another. */
export function withSession(header: string | null, name: string, value: string | null): string {
  const others = (header ?? "").split(";").filter((part) => part.trim() !== "" && part.split("=")[0]!.trim() !== name);
  return [...others.map((part) => part.trim()), ...(value === null ? [] : [`${name}=${value}`])].join("; ");
}
