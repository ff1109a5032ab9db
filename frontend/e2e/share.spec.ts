import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { type APIRequestContext, type BrowserContext, expect, type FrameLocator, type Page, test } from "@playwright/test";

import { DEMO } from "./recordings";
import { axe } from "./watch";

const TITLE = "Demo “song” & friends";
let job = "";

async function transcribed(request: APIRequestContext): Promise<string> {
  const file = { name: "demo.flac", mimeType: "audio/flac", buffer: await readFile(DEMO) };
  const made = await request.post("/api/v1/jobs", { multipart: { file, title: TITLE } });
  const { job_id: id } = (await made.json()) as { job_id: string };
  await expect
    .poll(async () => ((await (await request.get(`/api/v1/jobs/${id}`)).json()) as { status: string }).status, { timeout: 120_000 })
    .toBe("completed");
  return id;
}

/** Everything that goes wrong on a page, and every request that leaves the web app. */
function strangeThings(page: Page, own: readonly string[]): string[] {
  const found: string[] = [];
  page.on("request", (request) => {
    if (!own.some((origin) => request.url().startsWith(origin)) && !/^(blob|data):/.test(request.url())) found.push(request.url());
  });
  page.on("console", (message) => message.type() === "error" && found.push(message.text()));
  page.on("pageerror", (error) => found.push(String(error)));
  return found;
}

async function openShare(page: Page) {
  await page.goto(`/jobs/${job}`);
  await page.getByRole("button", { name: "Share", exact: true }).click();
  return page.getByRole("dialog", { name: `Share “${TITLE}”` });
}

/** Somebody else's browser: no cookies, no history. */
async function stranger(context: BrowserContext): Promise<BrowserContext> {
  return context.browser()!.newContext({ viewport: { width: 1440, height: 900 } });
}

const drawn = (place: Page | FrameLocator) => place.getByRole("region", { name: /^Score: \d+ bars$/ }).locator(".engraving svg").first();

test.beforeAll(async ({ request }) => {
  job = await transcribed(request);
});

test("every file of the song can be had from one menu, by keyboard too, and opens", async ({ page, request }) => {
  await page.goto(`/jobs/${job}`);
  const button = page.getByRole("button", { name: "Download" });
  await button.focus();
  await page.keyboard.press("Enter");
  const menu = page.getByRole("group", { name: "Downloads" });
  await expect(menu.getByRole("link").nth(0)).toBeFocused();
  await expect(menu.getByRole("link").nth(0)).toHaveAccessibleName(/^PDF/);
  await page.keyboard.press("ArrowDown");
  await expect(menu.getByRole("link").nth(1)).toBeFocused();
  await expect(menu.getByRole("link").nth(1)).toHaveAccessibleName(/^MusicXML/);
  await axe(page);
  await page.keyboard.press("Escape");
  await expect(menu).toBeHidden();
  await expect(button).toBeFocused();

  await button.click();
  const hrefs = await menu.getByRole("link").evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).pathname + (link as HTMLAnchorElement).search));
  const opened = new Map<string, Buffer>();
  for (const href of hrefs) {
    const answer = await request.get(href);
    expect(answer.status(), href).toBe(200);
    expect(answer.headers()["content-disposition"]).toContain("attachment");
    opened.set(/download\/([a-z-]+)/.exec(href)![1]!, await answer.body());
  }
  expect([...opened.keys()]).toEqual(["pdf", "musicxml", "mxl", "tab", "svg", "png", "midi", "score-midi", "csv", "hits", "jams"]);
  const text = (format: string) => opened.get(format)!.toString("utf8");
  expect(text("pdf").slice(0, 5)).toBe("%PDF-");
  expect(text("pdf").trimEnd().slice(-5)).toBe("%%EOF");
  const root = await page.evaluate((xml) => {
    const parsed = new DOMParser().parseFromString(xml, "application/xml");
    return [parsed.documentElement.tagName, parsed.querySelectorAll("measure").length > 5, parsed.querySelector("parsererror") === null];
  }, text("musicxml"));
  expect(root).toEqual(["score-partwise", true, true]);
  for (const [format, inside] of [["mxl", "META-INF/container.xml"], ["svg", "page-1.svg"], ["png", "page-1.png"]] as const) {
    const zip = opened.get(format)!;
    expect(zip.subarray(0, 4).toString("latin1"), format).toBe("PK\x03\x04");
    expect(zip.includes("PK\x05\x06"), format).toBe(true);
    expect(zip.includes(inside), format).toBe(true);
  }
  for (const format of ["midi", "score-midi"]) {
    const midi = opened.get(format)!;
    expect(midi.subarray(0, 4).toString("latin1"), format).toBe("MThd");
    expect(midi.includes("MTrk"), format).toBe(true);
  }
  const hits = JSON.parse(text("hits")) as { time: number }[];
  expect(hits.length).toBeGreaterThan(50);
  expect(text("csv").trim().split("\n")).toHaveLength(hits.length + 1);
  expect((JSON.parse(text("jams")) as { annotations: unknown[] }).annotations.length).toBeGreaterThan(0);
  expect(text("tab")).toMatch(/\|.*[xo]/);

  const saving = page.waitForEvent("download");
  await menu.getByRole("link", { name: /^PDF/ }).click();
  expect((await saving).suggestedFilename()).toMatch(/^Demo .*\.pdf$/);
  await expect(menu).toBeHidden();
});

test("a score is shared, read and embedded by strangers, and taken back", async ({ page, context, baseURL }) => {
  const dialog = await openShare(page);
  await expect(dialog.getByText("usually needs their permission")).toBeVisible();
  await axe(page);
  await dialog.getByRole("button", { name: "Make a link" }).click();
  const link = await dialog.getByLabel("Link 1", { exact: true }).inputValue();
  expect(link).toMatch(new RegExp(`^${baseURL}/s/[0-9A-Za-z]{22}$`));
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await dialog.getByRole("button", { name: "Copy link 1" }).click();
  await expect(dialog.getByText("Copied")).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link);
  await dialog.getByText("Put it into a web page").click();
  const code = await dialog.getByRole("textbox", { name: "HTML of link 1" }).inputValue();
  await axe(page);

  const theirs = await stranger(context);
  const reader = await theirs.newPage();
  const strange = strangeThings(reader, [baseURL!]);
  const answer = await reader.goto(link);
  expect(answer!.headers()["content-security-policy"]).toContain("frame-ancestors 'none'");
  expect(answer!.headers()["x-robots-tag"]).toBe("noindex");
  expect(answer!.headers()["referrer-policy"]).toBe("no-referrer");
  await expect(reader).toHaveTitle(`${TITLE}, drum sheet music · DrumScribe`);
  await expect(reader.getByRole("heading", { level: 1, name: TITLE })).toBeVisible();
  await expect(reader.getByText("Made with DrumScribe")).toBeVisible();
  await expect(drawn(reader)).toBeVisible({ timeout: 60_000 });
  expect((await reader.content()).includes(job)).toBe(false);
  for (const word of ["Delete", "Rename", "Share", "Edit"]) await expect(reader.getByRole("button", { name: word })).toHaveCount(0);
  await axe(reader);
  await reader.getByRole("button", { name: "Download" }).click();
  await expect(reader.getByRole("group", { name: "Downloads" }).getByRole("link")).toHaveText([/^PDF/, /^MusicXML/, /^MIDI/]);
  const saving = reader.waitForEvent("download");
  await reader.getByRole("link", { name: /^MusicXML/ }).click();
  expect((await readFile(await (await saving).path())).toString()).toContain("<score-partwise");
  await reader.getByRole("button", { name: "Play", exact: true }).click();
  await expect(reader.getByRole("button", { name: "Pause", exact: true })).toBeVisible();
  expect(await theirs.cookies()).toEqual([]);
  expect(strange).toEqual([]);

  const blog = await serve(code);
  try {
    const visitor = await theirs.newPage();
    // As in browsers that give frames of others no storage
    await visitor.addInitScript(() => {
      if (window !== window.top) Object.defineProperty(window, "localStorage", { get: () => { throw new DOMException("denied", "SecurityError"); } });
    });
    const odd = strangeThings(visitor, [baseURL!, blog.origin]);
    const framed = visitor.waitForResponse((response) => response.url().includes("/embed/") && response.request().resourceType() === "document");
    await visitor.goto(blog.origin);
    expect((await framed).headers()["content-security-policy"]).toContain("frame-ancestors *");
    const frame = visitor.frameLocator("iframe");
    await expect(frame.getByRole("heading", { name: TITLE })).toBeVisible();
    await expect(drawn(frame)).toBeVisible({ timeout: 60_000 });
    await frame.getByRole("button", { name: "Play", exact: true }).click();
    await expect(frame.getByRole("button", { name: "Pause", exact: true })).toBeVisible();
    await axe(visitor);
    expect(await theirs.cookies()).toEqual([]);
    expect(odd).toEqual([]);

    await dialog.getByRole("button", { name: "Revoke link 1" }).click();
    await axe(page);
    await dialog.getByRole("button", { name: "Revoke it" }).click();
    await expect(dialog.getByRole("list", { name: "Links" })).toHaveCount(0);
    await reader.goto(link);
    await expect(reader.getByRole("heading", { name: "This score is not shared any more" })).toBeVisible();
    await axe(reader);
    await visitor.reload();
    await expect(visitor.frameLocator("iframe").getByRole("heading", { name: "This score is not shared any more" })).toBeVisible();
  } finally {
    await new Promise((done) => blog.server.close(done));
    await theirs.close();
  }
});

test("the recording goes with the link only if that was chosen", async ({ page, context }) => {
  const dialog = await openShare(page);
  await dialog.getByRole("button", { name: "Make a link" }).click();
  await expect(dialog.getByText("Score only")).toBeVisible();
  await dialog.getByLabel("Let them hear the recording too").check();
  await dialog.getByRole("button", { name: "Make another link" }).click();
  await expect(dialog.getByText("Score and recording")).toBeVisible();
  const theirs = await stranger(context);
  const reader = await theirs.newPage();
  for (const [label, word, status] of [["Link 1", "with drum sounds", 404], ["Link 2", "with the recording", 200]] as const) {
    const link = await dialog.getByLabel(label, { exact: true }).inputValue();
    await reader.goto(link);
    await expect(reader.getByText(word)).toBeVisible();
    const token = link.split("/").at(-1)!;
    const path = `/api/v1/shared/${token}/download/audio`;
    expect((await reader.request.get(path)).status()).toBe(status);
    if (status === 200) {
      const part = await reader.request.get(path, { headers: { range: "bytes=0-3" } });
      expect([part.status(), await part.text()]).toEqual([206, "fLaC"]);
      expect((await reader.request.head(path)).status()).toBe(200);
      await expect(drawn(reader)).toBeVisible({ timeout: 60_000 });
    }
  }
  await theirs.close();
});

test("songs are shared from the library, on a phone and by keyboard", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto("/library");
  const opener = page.getByRole("button", { name: `Share ${TITLE}` }).first();
  await opener.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: `Share “${TITLE}”` });
  await expect(dialog).toBeVisible();
  await axe(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(opener).toBeFocused();
});

test("an address that was never a link is told apart from nothing", async ({ page }) => {
  for (const token of ["nonsense", "a".repeat(22), "../../etc"]) {
    expect((await page.goto(`/embed/${encodeURIComponent(token)}`))!.status()).toBe(404);
    await expect(page.getByRole("heading", { name: "This score is not shared any more" })).toBeVisible();
    expect((await page.goto(`/s/${encodeURIComponent(token)}`))!.status()).toBe(404);
    await expect(page.getByRole("heading", { name: "This score is not shared any more" })).toBeVisible();
  }
});

/** A page of another origin (and site) with this HTML in it. */
async function serve(html: string): Promise<{ server: Server; origin: string }> {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end(`<!doctype html><html lang="en"><title>My band</title><link rel="icon" href="data:,"><main><h1>My band</h1>${html}</main></html>`);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { server, origin: `http://localhost:${(server.address() as AddressInfo).port}` };
}
