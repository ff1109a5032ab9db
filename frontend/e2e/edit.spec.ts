import { type BrowserContext, expect, test } from "@playwright/test";

import { cell, desk, newSong, newVersion, open, pressed, save, written } from "./desk";
import { axe } from "./watch";

test("a note that is put right is engraved anew, and the place, the size and the loop stay", async ({ page, request }) => {
  const song = await newSong(request);
  const before = await written(request, song);
  await open(page, song);
  await axe(page);
  const facts = await page.getByText(/\d+ strokes$/).first().innerText();
  const strokes = Number(/(\d+) strokes$/.exec(facts)?.[1]);
  await page.getByRole("button", { name: "Larger" }).click();
  await page.getByRole("button", { name: /^Bar 3/ }).click();
  await expect(desk(page).getByRole("heading", { name: "Bar 3" })).toBeVisible();
  await desk(page).getByRole("button", { name: "Loop this bar" }).click();

  await cell(page, "Snare drum, 2 a").click();
  await expect(cell(page, "Snare drum, 2 a")).toHaveAccessibleName(/stroke, \d+ per cent, added/);
  await desk(page).getByRole("button", { name: "Flam" }).click();
  await desk(page).getByRole("button", { name: "Accent" }).click();
  await cell(page, "Bass drum, 1").click();
  await cell(page, "Bass drum, 1").click();
  await expect(cell(page, "Bass drum, 1")).toHaveAccessibleName(/deleted stroke/);
  await expect(desk(page).getByText("2 unsaved changes")).toBeVisible();
  await axe(page);
  await save(page);

  await expect(cell(page, "Snare drum, 2 a")).toHaveAccessibleName(/accent, 100 per cent, flam$/);
  await expect(cell(page, "Bass drum, 1")).toHaveAccessibleName(/empty/);
  await expect(desk(page).getByRole("heading", { name: "Bar 3" })).toBeVisible();
  await expect(page.getByTestId("bar-now")).toHaveText("3");
  await expect(page.getByText("110 %", { exact: true })).toBeVisible();
  await pressed(desk(page).getByRole("button", { name: "Loop this bar" }));
  await expect(page.getByText(`${strokes + 1} strokes`)).toBeVisible(); // two more with the grace note, one fewer

  const after = await written(request, song);
  expect(after.snares).toBe(before.snares + 2); // the stroke and its grace note
  for (const format of ["pdf", "midi", "tab"]) {
    const file = await request.get(`/api/v1${song}/download/${format}`);
    expect(file.ok()).toBe(true);
    expect((await file.body()).length).toBeGreaterThan(200);
  }
  await page.reload();
  await page.getByRole("button", { name: "Correct", exact: true }).click();
  await page.getByRole("button", { name: /^Bar 3/ }).click();
  await expect(cell(page, "Snare drum, 2 a")).toHaveAccessibleName(/flam/);
});

test("every step can be undone and done again, and a reload loses nothing", async ({ page, request }) => {
  await open(page, await newSong(request));
  const status = desk(page).getByRole("status").first();
  await cell(page, "Crash cymbal, 2").click();
  await cell(page, "Crash cymbal, 3").click();
  await desk(page).getByRole("slider", { name: "Fine loudness" }).fill("33");
  await expect(status).toHaveText("2 unsaved changes");
  await page.keyboard.press("Control+z");
  await expect(cell(page, "Crash cymbal, 3")).not.toHaveAccessibleName(/33 per cent/);
  await page.keyboard.press("Control+z");
  await expect(cell(page, "Crash cymbal, 3")).toHaveAccessibleName(/empty/);
  await page.keyboard.press("Control+Shift+z");
  await page.keyboard.press("Control+y");
  await expect(cell(page, "Crash cymbal, 3")).toHaveAccessibleName(/33 per cent, added/);
  await page.reload();
  await expect(page.getByRole("button", { name: "Correct (2 unsaved)" })).toBeVisible();
  await page.getByRole("button", { name: /^Correct/ }).click();
  await expect(cell(page, "Crash cymbal, 3")).toHaveAccessibleName(/33 per cent, added/);
  for (let step = 0; step < 3; step++) await desk(page).getByRole("button", { name: "Undo" }).click();
  await expect(status).toHaveText("Everything is saved");
  await expect(desk(page).getByRole("button", { name: "Undo" })).toBeDisabled();
});

test("a note can be dragged in time and to another drum", async ({ page, request }) => {
  await open(page, await newSong(request));
  const from = await cell(page, "Bass drum, 2").boundingBox();
  const to = await cell(page, "Floor tom, 2 e").boundingBox();
  await page.mouse.move(from!.x + 10, from!.y + 10);
  await page.mouse.down();
  await page.mouse.move(to!.x + 10, to!.y + 10, { steps: 6 });
  await page.mouse.up();
  await expect(cell(page, "Bass drum, 2")).toHaveAccessibleName(/empty/);
  await expect(cell(page, "Floor tom, 2 e")).toHaveAccessibleName(/changed/);
  await expect(cell(page, "Floor tom, 2 e")).toBeFocused();
  await expect(desk(page).getByText("1 unsaved change", { exact: true })).toBeVisible();
});

test("the grid can be used with the keyboard alone", async ({ page, request }) => {
  page.on("dialog", (dialog) => void dialog.accept());
  await page.goto(await newSong(request));
  await expect(page.getByRole("button", { name: "Play", exact: true })).toBeEnabled();
  await page.keyboard.press("e");
  await expect(desk(page).getByRole("grid")).toBeVisible();
  for (let tries = 0; tries < 80 && !(await page.evaluate(() => document.activeElement?.getAttribute("role") === "gridcell")); tries++) {
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Home");
  await expect(cell(page, "Snare drum, 1")).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await expect(cell(page, "Snare drum, 1 e")).toHaveAccessibleName(/added/);
  await expect(desk(page).getByText("Snare drum on 1 e added")).toBeAttached();
  await page.keyboard.press("g");
  await expect(cell(page, "Snare drum, 1 e")).toHaveAccessibleName(/ghost, 20 per cent/);
  await page.keyboard.press("]");
  await page.keyboard.press("]");
  await expect(cell(page, "Snare drum, 1 e")).toHaveAccessibleName(/30 per cent/);
  await page.keyboard.press("f");
  await expect(cell(page, "Snare drum, 1 e")).toHaveAccessibleName(/flam/);
  await page.keyboard.press("7");
  await expect(cell(page, "High tom, 1 e")).toBeFocused();
  await expect(cell(page, "High tom, 1 e")).toHaveAccessibleName(/30 per cent, flam, added/);
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Shift+ArrowDown");
  await expect(cell(page, "Mid tom, 1 and")).toBeFocused();
  await expect(cell(page, "Mid tom, 1 and")).toHaveAccessibleName(/added/);
  await page.keyboard.press("Delete");
  await expect(cell(page, "Mid tom, 1 and")).toHaveAccessibleName(/empty/);
  await page.keyboard.press("6"); // an empty place: a crash here
  await expect(cell(page, "Crash cymbal, 1 and")).toHaveAccessibleName(/added/);
  await page.keyboard.press(" ");
  await expect(cell(page, "Crash cymbal, 1 and")).toHaveAccessibleName(/empty/);
  await expect(page.getByRole("button", { name: "Play", exact: true })).toBeVisible(); // the space bar was the grid's
  await page.keyboard.press("PageDown");
  await expect(desk(page).getByRole("heading", { name: "Bar 2" })).toBeVisible();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog")).toContainText("Undo");
});

test("the least certain bars are walked through with their sound in a loop", async ({ page, request }) => {
  await open(page, await newSong(request));
  await desk(page).getByRole("button", { name: /^Review the \d+ least certain bars/ }).click();
  const review = desk(page).getByRole("region", { name: "Review" });
  await expect(review.getByText(/^1 of \d+/)).toBeVisible();
  await pressed(page.getByRole("button", { name: "Loop", exact: true }));
  await expect(page.getByRole("button", { name: "Pause", exact: true })).toBeVisible();
  await axe(page);
  await review.getByLabel("Speed of the loop").selectOption("0.5");
  await expect(page.getByRole("button", { name: /^Speed 50 per cent/ })).toBeVisible();
  const list = review.getByRole("list");
  await list.focus();
  await page.keyboard.press("y"); // a bar with nothing open any more is left by itself
  await expect(desk(page).getByText("1 unsaved change", { exact: true })).toBeVisible();
  await page.keyboard.press("n");
  await expect(desk(page).getByText("2 unsaved changes")).toBeVisible();
  await page.keyboard.press("Control+z");
  await expect(desk(page).getByText("1 unsaved change", { exact: true })).toBeVisible();
  for (let bars = 0; bars < 2; bars++) await page.keyboard.press("ArrowLeft");
  await expect(review.getByText(/^1 of \d+/)).toBeVisible();
  await expect(list.getByRole("listitem").first()).toContainText("right");
  await page.keyboard.press("ArrowRight");
  await expect(review.getByText(/^2 of \d+/)).toBeVisible();
  await review.getByRole("button", { name: "All right, next bar" }).click();
  await expect(review.getByText(/^3 of \d+/)).toBeVisible();
  await expect(review.getByRole("progressbar")).not.toHaveAttribute("aria-valuenow", "0");
  await page.keyboard.press("ArrowLeft");
  await expect(review.getByText(/^2 of \d+/)).toBeVisible();
  await review.getByRole("button", { name: "End the review" }).click();
  await expect(page.getByRole("button", { name: /^Speed 100 per cent/ })).toBeVisible();
  await expect(page.getByRole("button", { name: "Loop", exact: true })).toHaveAttribute("aria-pressed", "false");
  await save(page);
});

test("two people who save notice each other, and nothing is lost in silence", async ({ browser, page, request, baseURL }) => {
  const song = await newSong(request);
  const other: BrowserContext = await browser.newContext({ baseURL, viewport: { width: 1440, height: 900 } });
  const guest = await other.newPage();
  await open(page, song);
  await open(guest, song);
  // Both touch the bass drum on 1; only the guest adds a crash
  await cell(page, "Bass drum, 1").focus();
  await page.keyboard.press("Delete");
  await cell(guest, "Bass drum, 1").focus();
  await guest.keyboard.press("a");
  await cell(guest, "Crash cymbal, 3").click();
  await expect(desk(guest).getByText("2 unsaved changes")).toBeVisible();
  await save(page);
  await desk(guest).getByRole("button", { name: "Save", exact: true }).click();
  const dialog = guest.getByRole("dialog", { name: "There is a newer version" });
  await expect(dialog).toContainText("1 of your 2 changes fit on top of it");
  await expect(dialog).toContainText("Bass drum in bar 1: this stroke is no longer there");
  await axe(guest);
  await dialog.getByRole("button", { name: "Open version 2 with my changes" }).click();
  await expect(cell(guest, "Bass drum, 1")).toHaveAccessibleName(/empty/);
  await expect(cell(guest, "Crash cymbal, 3")).toHaveAccessibleName(/added/);
  await save(guest);
  // The first tab has nothing unsaved: it follows by itself
  await expect(cell(page, "Crash cymbal, 3")).toHaveAccessibleName(/accent|stroke/, { timeout: 40_000 });
  await other.close();
});

test("a second tab learns of the first one's version before it saves, and can let its own go", async ({ context, page, request }) => {
  const song = await newSong(request);
  const second = await context.newPage();
  await open(page, song);
  await open(second, song);
  await cell(second, "Ride cymbal, 1").click();
  await cell(page, "Crash cymbal, 2").click();
  await save(page);
  const dialog = second.getByRole("dialog", { name: "There is a newer version" });
  await expect(dialog).toContainText("Your change fits on top of it");
  await dialog.getByRole("button", { name: "Not now" }).click();
  await expect(desk(second).getByText("There is a newer version")).toBeVisible();
  await expect(desk(second).getByRole("button", { name: "Save", exact: true })).toBeDisabled();
  await desk(second).getByRole("button", { name: "Compare and go on" }).click();
  await dialog.getByRole("button", { name: "Throw my changes away" }).click();
  await expect(cell(second, "Crash cymbal, 2")).not.toHaveAccessibleName(/empty/);
  await expect(cell(second, "Ride cymbal, 1")).toHaveAccessibleName(/empty/);
});

test("half tempo and back, other bar lines, another metre: each is a version to look at", async ({ page, request }) => {
  const song = await newSong(request);
  const before = await written(request, song);
  await open(page, song);
  const score = page.getByRole("region", { name: /^Score: / });
  const bars = async () => Number(/\d+/.exec((await score.getAttribute("aria-label")) ?? "")?.[0]);
  const ask = (action: () => Promise<unknown>) => newVersion(page, action);
  await desk(page).getByRole("button", { name: "Tempo and bars" }).click();
  await axe(page);
  await ask(() => desk(page).getByRole("button", { name: "Half tempo" }).click());
  await expect.poll(bars).toBeLessThan(before.bars);
  await expect(desk(page).getByRole("button", { name: "Half tempo" })).toBeDisabled();
  await ask(() => desk(page).getByRole("button", { name: "Double tempo" }).click());
  await expect.poll(bars).toBe(before.bars);
  await ask(() => desk(page).getByRole("button", { name: "Bar lines a beat later" }).click());
  await ask(() => desk(page).getByLabel("Metre").selectOption("3/4"));
  await expect.poll(bars).toBeGreaterThan(before.bars);

  await desk(page).getByRole("button", { name: "Versions" }).click();
  const list = desk(page).getByRole("region", { name: "Versions" });
  await expect(list.getByRole("listitem")).toHaveCount(5);
  await expect(list.getByRole("listitem").nth(0)).toContainText("in 3/4");
  await expect(list.getByRole("listitem").nth(3)).toContainText("half tempo");
  await list.getByRole("listitem").nth(4).getByRole("button", { name: "Look at it" }).click();
  await expect(desk(page).getByText("You are looking at version 1 of 5")).toBeVisible();
  await expect.poll(bars).toBe(before.bars);
  await axe(page);
  await desk(page).getByRole("button", { name: "Notes", exact: true }).click();
  await cell(page, "Crash cymbal, 3").click({ force: true });
  await expect(cell(page, "Crash cymbal, 3")).toHaveAccessibleName(/empty/); // to look at, not to correct
  await desk(page).getByRole("button", { name: "Back to the newest version" }).click();
  await expect.poll(bars).toBeGreaterThan(before.bars);
});

test("a version that cannot be saved says so and keeps the corrections", async ({ page, request }) => {
  await open(page, await newSong(request));
  await cell(page, "Crash cymbal, 3").click();
  await page.route("**/revisions", (route) => (route.request().method() === "POST" ? route.abort() : route.continue()));
  await desk(page).getByRole("button", { name: "Save", exact: true }).click();
  await expect(desk(page).getByRole("alert")).toContainText("cannot be reached");
  await expect(desk(page).getByText("1 unsaved change", { exact: true })).toBeVisible();
  await axe(page);
  await page.unroute("**/revisions");
  await save(page);
  await expect(desk(page).getByRole("alert")).toHaveCount(0);
});

test("on a phone the grid lies under the score and takes a finger", async ({ browser, request, baseURL }) => {
  const song = await newSong(request);
  for (const viewport of [{ width: 390, height: 844 }, { width: 844, height: 390 }]) {
    const context = await browser.newContext({ baseURL, viewport, hasTouch: true, isMobile: true, colorScheme: "dark" });
    const page = await context.newPage();
    await open(page, song);
    const place = cell(page, "Snare drum, 1 e");
    await place.scrollIntoViewIfNeeded();
    await place.tap();
    await expect(place).toHaveAccessibleName(/added/);
    const box = await place.boundingBox();
    expect(Math.min(box!.width, box!.height)).toBeGreaterThanOrEqual(44);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(viewport.width);
    await axe(page);
    await context.close();
  }
});
