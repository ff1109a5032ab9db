// @vitest-environment node
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { admit, withSession } from "./admission";
import { type FakeAccounts, fakeAccounts } from "./fake-accounts";
import { forward } from "./forward";
import { fresh } from "./renewal";
import { type AccountSession, opened, sealed, type Session, SESSION_COOKIE } from "./session";

let api: FakeAccounts;

async function start(options?: Parameters<typeof fakeAccounts>[0]): Promise<void> {
  api = await fakeAccounts(options);
  vi.stubEnv("API_URL", api.url);
}

beforeEach(() => start());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  api.close();
});

/** A session whose access token has just expired. */
const expired = (): AccountSession => ({
  kind: "account",
  id: "user:u1",
  name: "Ada",
  access: "access-0",
  refresh: api.current!,
  renewAt: Date.now() - 1,
  endsAt: Date.now() + 86_400_000,
});
const cookie = (session: Session) => `theme=dark; ${SESSION_COOKIE}=${sealed(session)}`;
const request = (session: Session) => new Request("http://web/api/v1/limits", { headers: { cookie: cookie(session) } });
const kept = (answer: Response) => opened(/drumscribe_session=([^;]*)/.exec(answer.headers.get("set-cookie") ?? "")?.[1]);

it("renews once for twenty requests at once, of pages and of scripts, and gives all of them the same tokens", async () => {
  const old = expired();
  const asked = Array.from({ length: 20 }, (_, turn) =>
    turn % 2 === 0
      ? forward(request(old), "v1/limits").then(kept)
      : admit(new Headers({ cookie: cookie(old) }), "/library").then((admission) => admission.cookie),
  );
  const sessions = await Promise.all(asked);
  expect([api.renewals, api.refused]).toEqual([1, 0]);
  expect(new Set(sessions.map((session) => session && sealed(session))).size).toBe(1);
  expect(sessions[0]).toMatchObject({ kind: "account", access: "access-1", refresh: api.current });
  expect(api.seen.map(({ authorization }) => authorization)).toEqual(Array.from({ length: 10 }, () => "Bearer access-1"));
});

it("gives late comers with the old cookie the same answer instead of using a token twice", async () => {
  const old = expired();
  await fresh(old, new Headers());
  const late = await fresh(old, new Headers());
  expect(late).toMatchObject({ renewed: true, session: { access: "access-1" } });
  expect([api.renewals, api.refused]).toEqual([1, 0]);
});

it("follows a cookie that is several renewals old to the tokens in force", async () => {
  api.close();
  await start({ life: 0.04, delay: 0 });
  const old = expired();
  const first = await fresh(old, new Headers());
  await new Promise((resolve) => setTimeout(resolve, 60));
  const second = await fresh(old, new Headers());
  if (first === "ended" || second === "ended") throw new Error("the session ended");
  expect(second.session).toMatchObject({ refresh: api.current });
  expect(api.refused).toBe(0);
});

it("lets a session end that the API does not know any more, and says so to everybody", async () => {
  const old = { ...expired(), refresh: `stolen-${Math.random()}` };
  const answers = await Promise.all([1, 2, 3].map(() => fresh(old, new Headers())));
  expect(answers).toEqual(["ended", "ended", "ended"]);
  expect(api.refused).toBe(1);
  const admission = await admit(new Headers({ cookie: cookie(old) }), "/jobs/1?bar=3");
  expect(admission).toEqual({ to: "/sign-in?ended=1&next=%2Fjobs%2F1%3Fbar%3D3", cookie: null });
});

it("keeps a session when the API is away, and tries again", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const old = expired();
  api.isAway = true;
  expect(await fresh(old, new Headers())).toEqual({ session: old, renewed: false });
  api.isAway = false;
  expect(await fresh(old, new Headers())).toMatchObject({ renewed: true });
});

it("asks for nothing while tokens are good, and renews no key", async () => {
  const good = { ...expired(), renewAt: Date.now() + 60_000 };
  expect(await fresh(good, new Headers())).toEqual({ session: good, renewed: false });
  const key: Session = { kind: "key", id: "key:1", name: "ds_live_abc…", key: "ds_live_abc", endsAt: Date.now() + 1e9 };
  const answer = await forward(request(key), "v1/limits");
  expect(api.seen).toEqual([{ path: "/api/v1/limits", authorization: "Bearer ds_live_abc", cookie: undefined }]);
  expect(answer.headers.get("set-cookie")).toBeNull();
  expect(api.renewals).toBe(0);
});

it("sends no credentials where there are none, or where they make no sense", async () => {
  const requests = ["", `${SESSION_COOKIE}=nonsense`, cookie({ ...expired(), access: "a\r\nx: y" })];
  for (const value of requests) await forward(new Request("http://web/api/v1/limits", { headers: { cookie: value } }), "v1/limits");
  expect(api.seen.map(({ authorization }) => authorization)).toEqual([undefined, undefined, undefined]);
});

it("never lets scripts read the cookie, and sends it over encrypted connections only where there is one", async () => {
  const plain = await forward(request(expired()), "v1/limits");
  expect(plain.headers.get("set-cookie")).toMatch(/; Path=\/; Max-Age=86(400|399|398); HttpOnly; SameSite=Lax$/);
  const headers = { cookie: cookie({ ...expired(), refresh: api.current! }), "x-forwarded-proto": "https" };
  const encrypted = await forward(new Request("http://web/api/v1/limits", { headers }), "v1/limits");
  expect(encrypted.headers.get("set-cookie")).toMatch(/; HttpOnly; SameSite=Lax; Secure$/);
});

it("leads to the sign-in from pages that need one, and leaves the others open", async () => {
  const nobody = new Headers();
  expect(await admit(nobody, "/jobs/7?bar=3")).toEqual({ to: "/sign-in?next=%2Fjobs%2F7%3Fbar%3D3" });
  expect(await admit(nobody, "/")).toEqual({ to: "/sign-in" });
  for (const path of ["/sign-in?next=/library", "/sign-up", "/accuracy", "/settings", "/s/abc", "/embed/abc", "/example.svg"]) {
    expect(await admit(nobody, path)).toEqual({ to: null });
  }
  api.close();
  await start({ mode: "none" });
  expect(await admit(new Headers({ cookie: cookie(expired()) }), "/library")).toEqual({ to: null });
  expect(api.renewals).toBe(0);
});

it("puts another session into a cookie header and leaves the rest", () => {
  expect(withSession("a=1; drumscribe_session=x; b=2", SESSION_COOKIE, "y")).toBe("a=1; b=2; drumscribe_session=y");
  expect(withSession("drumscribe_session=x", SESSION_COOKIE, null)).toBe("");
});
