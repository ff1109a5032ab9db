import { readFile } from "node:fs/promises";

import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";

import { DEMO, long, seen, silent } from "./recordings";

// Any request elsewhere, any script that the policy stops, any error in the console fails the test
test.beforeEach(async ({ page, baseURL }, info) => {
  const strange: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(baseURL!) && !/^(blob|data):/.test(request.url())) strange.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of (403|404|413|415|422)/.test(message.text())) strange.push(message.text());
  });
  page.on("pageerror", (error) => strange.push(String(error)));
  info.annotations.push({ type: "strange", description: "" });
  (page as Page & { strange?: string[] }).strange = strange;
});

test.afterEach(async ({ page }) => {
  expect((page as Page & { strange?: string[] }).strange).toEqual([]);
});

const axe = async (page: Page) => {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
};

const send = async (page: Page, file: Parameters<ReturnType<Page["locator"]>["setInputFiles"]>[0]) => {
  await page.goto("/");
  await page.getByLabel("Recording").setInputFiles(file);
  await page.getByRole("region", { name: "From a file" }).getByRole("button", { name: "Write the drum part" }).click();
};

const progress = (page: Page) => page.getByRole("progressbar", { name: "Progress of the whole song" });

test("a song goes from upload over its stages to a PDF, and is there again after a reload", async ({ page }) => {
  await page.goto("/");
  await axe(page);
  await page.locator("summary").click();
  await page.getByLabel("Title").fill("Paradiddle Blues");
  await axe(page);
  await page.getByLabel("Recording").setInputFiles(seen()); // the demo may be done before the page has shown it at work
  await expect(page.getByText(/ MB · 4:00$/)).toBeVisible();
  await page.getByRole("region", { name: "From a file" }).getByRole("button", { name: "Write the drum part" }).click();
  await page.waitForURL(/\/jobs\/[0-9a-f-]{36}$/);
  await expect(page.getByText("Listening for every stroke")).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { level: 1, name: "Paradiddle Blues" })).toBeVisible();
  const waiting = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click({ timeout: 120_000 });
  await page.getByRole("link", { name: /^PDF/ }).click();
  const pdf = await waiting;
  expect(pdf.suggestedFilename()).toMatch(/Paradiddle Blues.*\.pdf$/);
  expect((await readFile(await pdf.path())).subarray(0, 5).toString()).toBe("%PDF-");
  await page.reload();
  await expect(page.getByRole("button", { name: "Download" })).toBeVisible({ timeout: 120_000 });
});

test("work that is under way shows its times, survives a reload and can be stopped", async ({ page }) => {
  await send(page, long());
  await page.waitForURL(/\/jobs\//);
  await expect(progress(page)).toBeVisible();
  await expect(page.getByRole("listitem").filter({ hasText: "Reading the recording" })).toContainText(/[0-9.]+ s, (running|done)/);
  await axe(page);
  await page.reload();
  await expect(progress(page)).toBeVisible();
  await expect(page.getByRole("listitem").filter({ hasText: "Waiting for its turn" })).toContainText(/[0-9.]+ s, done/);
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await expect(page.getByText("You stopped this song")).toBeVisible();
  await page.reload();
  await expect(page.getByText("You stopped this song")).toBeVisible();
  await axe(page);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.waitForURL("/library");
});

test("the page goes on by asking where events do not get through", async ({ page }) => {
  await page.route("**/events", (route) => route.abort());
  page.on("console", () => undefined);
  await send(page, DEMO);
  await expect(page.getByRole("button", { name: "Download" })).toBeVisible({ timeout: 60_000 });
  (page as Page & { strange?: string[] }).strange = [];
});

test("a song that fails says why and what to do next, after a reload too", async ({ page }) => {
  await send(page, silent());
  const alert = page.locator("main").getByRole("alert");
  await expect(alert).toContainText("if you hear nothing there either");
  await axe(page);
  await page.reload();
  await expect(alert).toContainText("Code: silent_audio");
  await expect(page.getByRole("link", { name: "Send a song" })).toBeVisible();
});

test("files that will be refused are refused before they are sent", async ({ page }) => {
  await page.goto("/");
  const alert = page.locator("main").getByRole("alert");
  await page.getByLabel("Recording").setInputFiles({ name: "lyrics.txt", mimeType: "text/plain", buffer: Buffer.from("la la") });
  await expect(alert).toContainText(".txt files are not recordings");
  await page.getByRole("button", { name: "Choose another file" }).click();
  await page.getByLabel("Recording").setInputFiles({ name: "empty.wav", mimeType: "audio/wav", buffer: Buffer.alloc(0) });
  await expect(alert).toContainText("This file is empty");
});

test("a file that is no recording inside is refused by the server, and the page says so", async ({ page }) => {
  await send(page, { name: "not music.mp3", mimeType: "audio/mpeg", buffer: Buffer.from("this is no music ".repeat(400)) });
  await expect(page.locator("main").getByRole("alert")).toContainText("The song was not sent");
  await page.getByRole("button", { name: "Try another file" }).click(); // the same one would be refused again
  await expect(page.getByLabel("Recording")).toBeAttached();
});

test("links that lead to no video are refused with a reason, and what was typed stays", async ({ page }) => {
  await page.goto("/");
  const panel = page.getByRole("region", { name: "From YouTube" });
  const link = panel.getByLabel("Link to the video");
  for (const [typed, answer] of [
    ["", "Paste the address of a video"],
    ["my favourite song", "This is no web address"],
    ["https://vimeo.com/76979871", "not a YouTube address but one of vimeo.com"],
    ["https://www.youtube.com/playlist?list=PL1234567890", "not to one video"],
  ] as const) {
    await link.fill(typed);
    await panel.getByRole("button", { name: "Write the drum part" }).click();
    await expect(panel.getByRole("alert")).toContainText(answer);
    await expect(link).toHaveValue(typed);
    await expect(link).toHaveAttribute("aria-invalid", "true");
  }
  await axe(page);
});

test("the demo song is one click away", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Try the demo song" }).click();
  await page.waitForURL(/\/jobs\//);
  await expect(page.getByRole("heading", { level: 1, name: "Demo song" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Download" })).toBeVisible({ timeout: 60_000 });
});

test("the library finds, renames and deletes songs", async ({ page, request }, { retry }) => {
  const [word, title] = [`ratamacue${retry}`, `Ratamacue${retry} Waltz`]; // a song of its own, also when it is tried again
  const file = { name: "silence.wav", mimeType: "audio/wav", buffer: silent().buffer };
  expect((await request.post("/api/v1/jobs", { multipart: { file, title } })).ok()).toBe(true);
  await page.goto("/library");
  await axe(page);
  const songs = page.getByRole("list", { name: "Songs" });
  await page.getByLabel("Search your songs").fill(word);
  await expect(songs.getByRole("link")).toHaveCount(1);
  await page.getByRole("button", { name: `Rename ${title}` }).click();
  await page.getByLabel("New title").fill(`Shuffle ${word}`);
  await page.keyboard.press("Enter");
  await expect(songs.getByRole("link", { name: `Shuffle ${word}` })).toBeVisible();
  await page.getByRole("button", { name: `Delete Shuffle ${word}` }).click();
  await axe(page);
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByText(`No song of yours is called “${word}”.`)).toBeVisible();
  await page.reload();
  await expect(page.getByRole("link", { name: `Shuffle ${word}` })).toHaveCount(0);
});

test("an address without a song says so", async ({ page }) => {
  await page.goto("/jobs/00000000-0000-4000-8000-000000000000");
  await expect(page.getByRole("heading", { name: "There is no such song" })).toBeVisible();
  await page.goto("/jobs/nonsense");
  await expect(page.getByRole("heading", { name: "There is no such song" })).toBeVisible();
  await page.goto("/nowhere");
  await expect(page.getByRole("heading", { name: "There is nothing here" })).toBeVisible();
});

test("the theme is kept, and is right at the first paint", async ({ page }) => {
  await page.goto("/settings");
  await axe(page);
  await page.getByLabel("Dark").check();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.reload();
  await expect(page.locator("body")).toHaveCSS("color", "rgb(236, 239, 241)");
  await expect(page.getByLabel("Dark")).toBeChecked();
});

test("nothing of accounts is to be seen where nobody has to sign in", async ({ page }) => {
  await page.goto("/settings");
  await expect(page.getByRole("banner").getByRole("link")).toHaveText([/Skip/, "DrumScribe", "New song", "Library", "Settings"]);
  await page.goto("/sign-in?next=/library");
  await expect(page.getByRole("heading", { level: 1, name: "Library" })).toBeVisible();
  await page.goto("/account");
  await expect(page.getByRole("heading", { level: 1, name: "Settings" })).toBeVisible();
});

test("new songs start with what was chosen in the settings", async ({ page }) => {
  await page.goto("/settings");
  await page.getByLabel("Paper").selectOption("US Letter");
  await page.getByLabel("Voices").selectOption("All in one voice");
  await axe(page);
  await page.goto("/");
  await page.locator("summary").click();
  await expect(page.getByLabel("Paper")).toHaveValue("letter");
  await expect(page.getByLabel("Voices")).toHaveValue("1");
});

test("a song can be sent with the keyboard alone", async ({ page }) => {
  await page.goto("/");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  await page.keyboard.press("Enter");
  const choosing = page.waitForEvent("filechooser");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await (await choosing).setFiles(DEMO);
  await expect(page.getByRole("button", { name: "Write the drum part" }).first()).toBeFocused();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/jobs\//);
});
