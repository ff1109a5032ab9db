// What the tests of the corrections share.
import { readFile } from "node:fs/promises";

import { type APIRequestContext, expect, type Locator, type Page } from "@playwright/test";

import { DEMO } from "./recordings";

/** The demo song as a finished job; the address of its page. */
export async function newSong(request: APIRequestContext): Promise<string> {
  const file = { name: "demo.flac", mimeType: "audio/flac", buffer: await readFile(DEMO) };
  const made = await request.post("/api/v1/jobs", { multipart: { file, title: "Demo song" } });
  const { job_id: id } = (await made.json()) as { job_id: string };
  await expect.poll(async () => ((await (await request.get(`/api/v1/jobs/${id}`)).json()) as { status: string }).status, { timeout: 90_000 }).toBe("completed");
  return `/jobs/${id}`;
}

export const desk = (page: Page) => page.getByRole("region", { name: "Corrections" });
export const cell = (page: Page, name: string) => desk(page).getByRole("gridcell", { name: new RegExp(`^${name}: `) });
export const pressed = (locator: Locator) => expect(locator).toHaveAttribute("aria-pressed", "true");
/** Asks for a new version and waits for it. From before its answer until it is there, the desk says that it is being written. */
export const newVersion = async (page: Page, ask: () => Promise<unknown>) => {
  const asked = page.waitForResponse((response) => response.url().endsWith("/revisions") && response.request().method() === "POST");
  await ask();
  expect((await asked).status()).toBe(202);
  await expect(desk(page).getByText("Everything is saved")).toBeVisible({ timeout: 60_000 });
};
export const save = (page: Page) => newVersion(page, () => desk(page).getByRole("button", { name: "Save", exact: true }).click());

export async function open(page: Page, song: string) {
  page.on("dialog", (dialog) => void dialog.accept()); // leaving with unsaved corrections
  await page.goto(song);
  await page.getByRole("button", { name: /^Correct/ }).click();
  await expect(desk(page).getByRole("grid")).toBeVisible();
}

/** How many snares the newest MusicXML has, and how many bars. */
export async function written(request: APIRequestContext, song: string) {
  const text = await (await request.get(`/api/v1${song}/download/musicxml`)).text();
  return { snares: text.split('<instrument id="P1-I39"').length - 1, bars: text.split("<measure ").length - 1, text };
}
