// Copy and paste, bars, and what is told of corrections that are not saved.
import { expect, type Page, test } from "@playwright/test";

import { cell, desk, newSong, newVersion, open, save, written } from "./desk";
import { bar, looped } from "./stand";
import { axe } from "./watch";

const tool = (page: Page, name: string | RegExp) => desk(page).getByRole("group", { name: "Copy and paste" }).getByRole("button", { name });
const names = (page: Page) => desk(page).getByRole("gridcell").evaluateAll((cells) => cells.flatMap((each) => (/: (stroke|ghost|accent)/.test(each.getAttribute("aria-label")!) ? [each.getAttribute("aria-label")!.split(":")[0]!] : [])));
const go = async (page: Page, number: number) => {
  await bar(page, number).click();
  await expect(desk(page).getByRole("heading", { name: `Bar ${number}`, exact: true })).toBeVisible();
};

test("bars and strokes are copied, cut, pasted and repeated, each as one step of undo", async ({ page, request }) => {
  const song = await newSong(request);
  await open(page, song);
  await go(page, 1);
  const groove = await names(page);
  await page.keyboard.press("Control+c");
  await go(page, 3);
  const before = await names(page);
  await page.keyboard.press("Control+v");
  await expect.poll(() => names(page)).toEqual(groove);
  await expect(page.getByRole("button", { name: "Bar 3, unsaved changes" })).toBeVisible();
  await page.keyboard.press("Control+z");
  await expect.poll(() => names(page)).toEqual(before);
  await expect(page.getByRole("button", { name: "Bar 3", exact: true })).toBeVisible();

  await go(page, 1);
  await desk(page).getByLabel("How many times").fill("3");
  await tool(page, "Repeat bar 1 3 times").click();
  for (const number of [2, 3, 4]) {
    await go(page, number);
    expect(await names(page)).toEqual(groove);
  }
  await tool(page, "Cut bar 4").click();
  expect(await names(page)).toEqual([]);
  await axe(page);

  await go(page, 2); // single strokes: picked with Shift, they join the others
  await cell(page, "Bass drum, 1").click({ modifiers: ["Shift"] });
  await expect(tool(page, "Copy 1 stroke")).toBeVisible();
  await page.keyboard.press("Control+c");
  await go(page, 4);
  await page.keyboard.press("Control+v");
  expect(await names(page)).toHaveLength(1);

  await bar(page, 5).click(); // several bars: those in the loop
  await bar(page, 6).click({ modifiers: ["Shift"] });
  await expect(looped(page)).toHaveCount(2);
  await tool(page, "Copy bars 5 to 6").click();
  await go(page, 5);
  const fifth = await names(page);
  await page.keyboard.press("l");
  await go(page, 8);
  await tool(page, "Paste at this bar").click();
  await expect.poll(() => names(page)).toEqual(fifth);
  await save(page);
  await go(page, 2);
  expect(await names(page)).toEqual(groove);
  await expect(page.getByRole("button", { name: /unsaved changes/ })).toHaveCount(0);
});

test("bars are divided anew, added and cut off, and undo writes the version before again", async ({ page, request }) => {
  const song = await newSong(request);
  await open(page, song);
  const count = (await written(request, song)).bars;
  const score = page.getByRole("region", { name: /^Score: / });
  const bars = async () => Number(/\d+/.exec((await score.getAttribute("aria-label")) ?? "")?.[0]);
  await go(page, 3);
  await desk(page).getByRole("button", { name: "Tempo and bars" }).click();
  const some = desk(page).getByRole("region", { name: "Some bars" });
  await expect(some.getByRole("heading", { name: "Bar 3" })).toBeVisible();
  await some.getByLabel("It is really").fill("2");
  await axe(page);
  await newVersion(page, () => some.getByRole("button", { name: "Divide anew" }).click());
  await expect.poll(bars).toBe(count + 1);
  await newVersion(page, () => desk(page).getByRole("button", { name: "Undo" }).click());
  await expect.poll(bars).toBe(count);
  expect((await written(request, song)).bars).toBe(count);
  await bar(page, count).click();
  await newVersion(page, () => some.getByRole("button", { name: /^Cut bar \d+ off/ }).click());
  await expect.poll(bars).toBe(count - 1);
  await newVersion(page, () => some.getByRole("button", { name: "Add one after the last" }).click());
  await expect.poll(bars).toBe(count);
  await page.getByRole("button", { name: "Play", exact: true }).click(); // and it plays on
  await expect(page.getByRole("button", { name: "Pause", exact: true })).toBeVisible();
  await desk(page).getByRole("button", { name: "Versions" }).click();
  const list = desk(page).getByRole("region", { name: "Versions" }).getByRole("listitem");
  await expect(list.nth(2)).toContainText("version 1 again");
  await list.nth(4).getByRole("button", { name: "Look at it" }).click();
  await newVersion(page, () => desk(page).getByRole("button", { name: "Make this the newest" }).click());
  await expect(list.nth(0)).toContainText("version 1 again");
});

test("what the recording has no room for is refused in words", async ({ page, request }) => {
  await open(page, await newSong(request));
  await desk(page).getByRole("button", { name: "Tempo and bars" }).click();
  const add = desk(page).getByRole("button", { name: "Add one before the first" });
  await add.click();
  await expect(desk(page).getByRole("alert")).toContainText("The recording has room for 0 bars before the first bar");
  await axe(page);
});

test("a stroke that the server refuses is shown", async ({ page, request }) => {
  await open(page, await newSong(request));
  await go(page, 6);
  await cell(page, "Crash cymbal, 3").click();
  await go(page, 2);
  await page.route("**/revisions", (route) => {
    const problem = { code: "invalid_edit", detail: "Correction 0 does not fit.", errors: [{ field: "body.edits.0", message: "It does not fit." }] };
    return route.request().method() === "POST" ? route.fulfill({ status: 422, contentType: "application/problem+json", body: JSON.stringify(problem) }) : route.continue();
  });
  await desk(page).getByRole("button", { name: "Save", exact: true }).click();
  await desk(page).getByRole("button", { name: "Show the stroke" }).click();
  await expect(desk(page).getByRole("heading", { name: "Bar 6" })).toBeVisible();
  await expect(cell(page, "Crash cymbal, 3")).toHaveAccessibleName(/refused by the server/);
  await axe(page);
});
