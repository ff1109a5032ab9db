import { execFileSync } from "node:child_process";

import AxeBuilder from "@axe-core/playwright";
import { type BrowserContext, expect, type Page, test } from "@playwright/test";

import { DEMO } from "./recordings";
import { withAccounts, withKeys } from "./setup";

const PASSWORD = "correct horse battery";
const COOKIE = "drumscribe_session";
/** Access tokens live for 6 s, and are renewed when a quarter of that is left. */
const UNTIL_EXPIRED_MS = 6_500;

const axe = async (page: Page) => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
};

let people = 0;

/** Somebody new, made by the API and not by the pages. */
async function somebody(): Promise<string> {
  const email = `drummer${++people}.${Date.now()}@example.com`;
  const answer = await fetch(`${withAccounts().api}/api/v1/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password: PASSWORD, name: `Drummer ${people}` }),
  });
  if (answer.status === 429) throw new Error("ten accounts were made already: start the servers anew");
  expect(answer.status).toBe(201);
  return email;
}

const form = (page: Page) => page.getByRole("form", { name: "Sign in" });

async function signIn(page: Page, email: string, password = PASSWORD): Promise<void> {
  await form(page).getByLabel("E-mail").fill(email);
  await form(page).getByLabel("Password", { exact: true }).fill(password);
  await form(page).getByRole("button", { name: "Sign in" }).click();
}

/** Wait for a page. A pattern would do for the address of the sign-in too, which names it. */
const at = (page: Page, path: string) => page.waitForURL(({ pathname }) => pathname === path);

const session = async (context: BrowserContext) => (await context.cookies()).find(({ name }) => name === COOKIE);

/** End the session from elsewhere. */
async function endSession(context: BrowserContext): Promise<void> {
  const held = JSON.parse(Buffer.from((await session(context))!.value, "base64url").toString());
  const answer = await fetch(`${withAccounts().api}/api/v1/auth/logout`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ refresh_token: held.refresh }),
  });
  expect(answer.status).toBe(204);
}

test.describe("with accounts", () => {
  test("whoever is not in is led to the sign-in, makes an account and lands where they wanted to go", async ({ page, context }) => {
    await page.goto("/library?from=here");
    await expect(page).toHaveURL(/\/sign-in\?next=/);
    await axe(page);
    await page.getByRole("link", { name: "Make one" }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Make an account" })).toBeVisible();
    await axe(page);
    const fields = page.getByRole("form", { name: "Make an account" });
    await fields.getByLabel("E-mail").fill("nobody");
    await fields.getByLabel("Password", { exact: true }).fill("short");
    await fields.getByRole("button", { name: "Make the account" }).click();
    const email = fields.getByLabel("E-mail");
    await expect(email).toBeFocused();
    await expect(email).toHaveAttribute("aria-invalid", "true");
    await expect(email).toHaveValue("nobody");
    await expect(email).toHaveAccessibleDescription(/Write an e-mail address/);
    await expect(fields.getByLabel("Password", { exact: true })).toHaveAccessibleDescription(/at least 10 characters/);
    await axe(page);
    await fields.getByLabel("Name (optional)").fill("Ada");
    await email.fill(`ada.${Date.now()}@example.com`);
    await fields.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await fields.getByRole("button", { name: "Make the account" }).click();
    await page.waitForURL("**/library?from=here");
    await expect(page.getByRole("link", { name: "Account: Ada" })).toBeVisible();
    expect(await session(context)).toMatchObject({ httpOnly: true, sameSite: "Lax", secure: false, path: "/" });
    const seen = await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }) + document.documentElement.outerHTML);
    expect(seen).not.toMatch(/drumscribe_session|ds_refresh_|eyJ[\w-]+\./);
  });

  test("how accurate it is can be read by anybody, and the figures are those of the file", async ({ page, request }) => {
    await page.goto("/sign-in");
    await page.getByRole("link", { name: "How accurate is this?" }).click();
    await at(page, "/accuracy");
    const { recordings } = await (await request.get("/accuracy.json")).json();
    const { found, missed, invented, f } = recordings.full_mix.drums.snare;
    const row = page.getByRole("row", { name: /^Snare drum/ });
    await expect(row.getByRole("cell").filter({ hasText: /\S/ })).toHaveText([
      f.toFixed(2),
      recordings.drums_alone.drums.snare.f.toFixed(2),
      `${found} of ${found + missed}`,
      String(invented),
    ]);
    await axe(page);
    await page.getByText("Every tempo, metre and feel that was tried").click();
    await axe(page);
    await page.goto("/settings");
    await axe(page);
  });

  test("one signs in with the keyboard alone, and password managers know the fields", async ({ page }) => {
    const email = await somebody();
    await page.goto("/settings");
    await page.goto("/account");
    await expect(form(page).getByLabel("E-mail")).toHaveAttribute("autocomplete", "username");
    await expect(form(page).getByLabel("Password", { exact: true })).toHaveAttribute("autocomplete", "current-password");
    for (let turn = 0; turn < 12 && !(await form(page).getByLabel("E-mail").evaluate((field) => field === document.activeElement)); turn++) {
      await page.keyboard.press("Tab");
    }
    await page.keyboard.type(email);
    await page.keyboard.press("Tab");
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press("Enter");
    await at(page, "/account");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Drummer/);
    await axe(page);
  });

  test("a wrong password is said so, and after ten of them when to try again", async ({ page }) => {
    const email = await somebody();
    await page.goto("/sign-in");
    await signIn(page, email, "not this one");
    const alert = page.locator("main").getByRole("alert");
    await expect(alert).toContainText("do not belong together");
    await expect(form(page).getByLabel("E-mail")).toHaveValue(email);
    await axe(page);
    for (let turn = 0; turn < 9; turn++) {
      const answer = await fetch(`${withAccounts().api}/api/v1/auth/login`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ email, password: "not this one" }),
      });
      expect(answer.status).toBe(401);
    }
    await signIn(page, email);
    await expect(alert).toContainText(/You can try again in 1[45] minutes/);
  });

  test("nobody is led to another site", async ({ page, baseURL }) => {
    const email = await somebody();
    for (const next of ["//evil.example/x", "https://evil.example", "/.//evil.example", "/\\evil.example"]) {
      await page.context().clearCookies();
      await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
      await signIn(page, email);
      await page.waitForURL(`${baseURL}/`);
    }
  });

  test("twenty requests at once with an expired token renew the session once, and nobody is signed out", async ({ page, context }) => {
    const email = await somebody();
    await page.goto("/sign-in?next=/library");
    await signIn(page, email);
    await at(page, "/library");
    for (let round = 0; round < 2; round++) {
      const before = (await session(context))!.value;
      await page.waitForTimeout(UNTIL_EXPIRED_MS);
      const statuses = await page.evaluate(async () => {
        const asked = Array.from({ length: 20 }, (_, turn) => fetch(turn % 4 === 3 ? "/library" : "/api/v1/limits"));
        return (await Promise.all(asked)).map(({ status, redirected }) => (redirected ? 302 : status));
      });
      expect(statuses).toEqual(Array.from({ length: 20 }, () => 200));
      expect((await session(context))!.value).not.toBe(before);
    }
    await page.waitForTimeout(UNTIL_EXPIRED_MS);
    await page.reload();
    await expect(page.getByRole("heading", { level: 1, name: "Library" })).toBeVisible();
  });

  test("an ended session leads to the sign-in with a word of explanation, and back", async ({ page, context }) => {
    const email = await somebody();
    await page.goto("/sign-in");
    await signIn(page, email);
    await page.waitForURL(/:\d+\/$/);
    await endSession(context);
    await page.goto("/library");
    await page.waitForURL("**/sign-in?ended=1&next=%2Flibrary");
    await expect(page.locator("main").getByRole("status").first()).toContainText("your session has ended");
    await axe(page);
    await signIn(page, email);
    await at(page, "/library");
  });

  test("a page that was open when the session ended keeps what is on it, and goes on after a sign-in beside it", async ({ page, context }) => {
    const email = await somebody();
    await page.goto("/sign-in");
    await signIn(page, email);
    await page.waitForURL(/:\d+\/$/);
    await page.getByLabel("Recording").setInputFiles(DEMO);
    await endSession(context);
    await page.getByRole("region", { name: "From a file" }).getByRole("button", { name: "Write the drum part" }).click();
    await expect(page.locator("main").getByRole("alert")).toContainText("You have been signed out");
    const notice = page.getByRole("alert").filter({ hasText: "What you see here stays" });
    await expect(notice).toBeVisible();
    await axe(page);
    const opening = page.waitForEvent("popup");
    await notice.getByRole("link", { name: "Sign in in a new tab" }).click();
    const beside = await opening;
    await signIn(beside, email);
    await beside.waitForURL(/:\d+\/$/);
    await beside.close();
    await page.bringToFront();
    await expect(notice).toBeHidden();
    await page.getByRole("button", { name: "Send again" }).click();
    await page.waitForURL(/\/jobs\//);
  });

  test("a key is made, shown once, works, and is revoked", async ({ page }) => {
    const email = await somebody();
    await page.goto("/sign-in?next=/account");
    await signIn(page, email);
    await at(page, "/account");
    await page.getByText("Make a key", { exact: true }).click();
    await page.getByRole("button", { name: "Make the key" }).click();
    await expect(page.getByLabel("What it is for")).toBeFocused();
    await page.getByLabel("What it is for").fill("Band website");
    await page.getByLabel("Send, correct and delete songs").uncheck();
    await page.getByLabel("How long it holds").selectOption("30");
    await page.getByRole("button", { name: "Make the key" }).click();
    const shown = page.getByRole("group", { name: "The key for “Band website”" });
    const key = await shown.getByLabel("API key").inputValue();
    await axe(page);
    const asked = () => fetch(`${withAccounts().api}/api/v1/auth/me`, { headers: { authorization: `Bearer ${key}` } });
    expect(await (await asked()).json()).toMatchObject({ scopes: ["jobs:read"] });
    const row = page.getByRole("list", { name: "Keys in force" }).getByRole("listitem");
    await expect(row).toContainText("ends in 30 days");
    await page.reload();
    expect(await page.content()).not.toContain(key);
    await row.getByRole("button", { name: "Revoke Band website" }).click();
    await row.getByRole("button", { name: "Revoke for good" }).click();
    await expect(row).toHaveCount(0);
    expect((await asked()).status).toBe(401);
  });

  test("the password is changed, one signs out and in again, and the account is deleted", async ({ page, browser }) => {
    const email = await somebody();
    await page.goto("/sign-in?next=/account");
    await signIn(page, email);
    await at(page, "/account");
    const other = await browser.newPage();
    await other.goto("/sign-in?next=/library");
    await signIn(other, email);
    await at(other, "/library");

    const change = page.getByRole("form", { name: "Change the password" });
    await change.getByLabel("Password now", { exact: true }).fill("wrong");
    await change.getByLabel("New password", { exact: true }).fill("another long one");
    await change.getByRole("button", { name: "Change the password" }).click();
    await expect(change.getByLabel("Password now", { exact: true })).toHaveAccessibleDescription(/This is not your password/);
    await change.getByLabel("Password now", { exact: true }).fill(PASSWORD);
    await change.getByLabel("New password", { exact: true }).fill("another long one");
    await page.waitForTimeout(UNTIL_EXPIRED_MS); // the action renews the session, and then replaces it
    await change.getByRole("button", { name: "Change the password" }).click();
    await expect(change.getByText("Your password is changed")).toBeVisible();
    await other.reload();
    await other.waitForURL("**/sign-in?ended=1&next=%2Flibrary");
    await other.close();

    await page.getByRole("button", { name: "Sign out" }).click();
    await at(page, "/sign-in");
    await page.goto("/account");
    await page.waitForURL("**/sign-in?next=%2Faccount");
    await signIn(page, email, "another long one");
    await at(page, "/account");
    await page.getByText("Delete the account", { exact: true }).click();
    const deleting = page.getByRole("form", { name: "Delete the account" });
    await deleting.getByRole("button", { name: "Delete my account for good" }).click();
    await expect(deleting.locator("#sure-error")).toBeVisible();
    await axe(page);
    await deleting.getByLabel("Yes, delete everything").check();
    await deleting.getByLabel("Your password", { exact: true }).fill("another long one");
    await deleting.getByRole("button", { name: "Delete my account for good" }).click();
    await page.waitForURL("**/sign-in?deleted=1");
    await signIn(page, email, "another long one");
    await expect(page.locator("main").getByRole("alert")).toContainText("do not belong together");
  });
});

test.describe("with keys", () => {
  test.use({ baseURL: withKeys().web });

  test("a key opens it in this browser until it is removed", async ({ page, context }) => {
    const made = execFileSync("../.venv/bin/drumscribe", ["admin", "create-key", "--name", "band", "--data", withKeys().data, "--json"]);
    const key = /ds_live_\w{43}/.exec(made.toString())![0];
    await page.goto("/library");
    await page.waitForURL("**/sign-in?next=%2Flibrary");
    await expect(page.getByRole("heading", { level: 1, name: "Enter your API key" })).toBeVisible();
    await expect(page.getByLabel("E-mail")).toHaveCount(0);
    await axe(page);
    const field = page.getByRole("textbox", { name: "API key" });
    for (const [wrong, answer] of [
      ["open sesame", /This is no key of DrumScribe/],
      [`ds_live_${"x".repeat(43)}`, /The server does not take this key/],
    ] as const) {
      await field.fill(wrong);
      await page.getByRole("button", { name: "Use this key" }).click();
      await expect(field).toHaveAccessibleDescription(answer);
    }
    await field.fill(key);
    await page.getByRole("button", { name: "Use this key" }).click();
    await at(page, "/library");
    expect(await page.content()).not.toContain(key);
    expect(await session(context)).toMatchObject({ httpOnly: true, sameSite: "Lax" });
    await page.getByRole("link", { name: `Account: ${key.slice(0, 14)}…` }).click();
    await expect(page.getByText("It may: See songs and scores")).toBeVisible();
    await axe(page);
    await page.getByRole("button", { name: "Remove the key from this browser" }).click();
    await at(page, "/sign-in");
    await page.goto("/");
    await at(page, "/sign-in");
  });
});
