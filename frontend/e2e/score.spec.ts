import { expect, type Page, test } from "@playwright/test";

import { wav } from "./recordings";
import type { Song } from "./stand";
import { bar, demo, looped, open, place, serve } from "./stand";
import { watch } from "./watch";

let song: Song;
test.beforeAll(async () => {
  song = await demo();
});
watch(test);

const play = (page: Page) => page.getByRole("button", { name: "Play", exact: true }).click();
const moves = async (page: Page) => {
  const before = await place(page);
  await expect.poll(() => place(page)).toBeGreaterThan(before + 0.3);
};

test("plays, pauses, jumps by bars and by pressing a bar, with mouse and keys", async ({ page }) => {
  await open(page, song);
  await play(page);
  await moves(page);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Pause" }).click();
  const rested = await place(page);
  await page.waitForTimeout(300);
  expect(await place(page)).toBe(rested);
  await bar(page, 5).click();
  expect(await place(page)).toBeCloseTo(song.score.bars[4]!.time, 2);
  await page.locator("h1").click();
  await page.keyboard.press("ArrowRight");
  expect(await place(page)).toBeCloseTo(song.score.bars[5]!.time, 2);
  await page.keyboard.press("Home");
  expect(await place(page)).toBeCloseTo(song.score.bars[0]!.time, 2);
  await page.keyboard.press(" ");
  await moves(page);
  await bar(page, 9).click();
  await expect.poll(() => place(page)).toBeGreaterThan(song.score.bars[8]!.time);
  await page.keyboard.press("-");
  await page.keyboard.press("-");
  await expect(page.getByRole("button", { name: /Speed 90 per cent/ })).toBeVisible();
  await page.keyboard.press("0");
  await expect(page.getByRole("button", { name: /Speed 100 per cent/ })).toBeVisible();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeHidden();
});

test("loops the bars that are chosen by drag, Shift, arrows, L and the handles, and stays inside", async ({ page }) => {
  await open(page, song);
  const [from, to] = [(await bar(page, 2).boundingBox())!, (await bar(page, 3).boundingBox())!];
  await page.mouse.move(from.x + 20, from.y + 40);
  await page.mouse.down();
  await page.mouse.move(to.x + 30, to.y + 50, { steps: 4 });
  await page.mouse.up();
  await expect(looped(page)).toHaveCount(2);
  await page.keyboard.press("+");
  for (let press = 0; press < 9; press++) await page.keyboard.press("+");
  await page.getByRole("button", { name: "Play", exact: true }).focus();
  await page.keyboard.press(" ");
  const places: number[] = [];
  for (let look = 0; look < 40; look++) {
    await page.waitForTimeout(100);
    places.push(await place(page));
  }
  const { bars } = song.score;
  expect(Math.min(...places)).toBeGreaterThanOrEqual(bars[1]!.time - 0.01);
  expect(Math.max(...places)).toBeLessThanOrEqual(bars[3]!.time + 0.01);
  expect(places.some((each, index) => each < places[index - 1]! - 1)).toBe(true);
  await page.keyboard.press("l");
  await expect(looped(page)).toHaveCount(0);
  await page.getByRole("button", { name: "Pause" }).click();
  await bar(page, 6).click();
  await page.keyboard.press("l");
  await expect(looped(page)).toHaveText([""]);
  await expect(looped(page)).toHaveAccessibleName("Bar 6, in the loop");
  await bar(page, 8).click({ modifiers: ["Shift"] });
  await expect(looped(page)).toHaveCount(3);
  await bar(page, 10).click();
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  await expect(looped(page)).toHaveCount(3);
  await page.getByRole("slider", { name: "Start of the loop" }).focus();
  await page.keyboard.press("ArrowLeft");
  await expect(looped(page)).toHaveCount(4);
  await expect(page.getByRole("slider", { name: "Start of the loop" })).toHaveAttribute("aria-valuetext", "Bar 9");
  const end = (await page.getByRole("slider", { name: "End of the loop" }).boundingBox())!;
  const wave = (await page.locator(".waveform").boundingBox())!;
  await page.mouse.move(end.x + 5, end.y + 20);
  await page.mouse.down();
  await page.mouse.move(end.x + 5 + (wave.width * 2.2) / song.result.duration_seconds, end.y + 20, { steps: 5 });
  await page.mouse.up();
  await expect(looped(page)).toHaveCount(5);
});

for (const [what, sounds] of [
  ["is not kept any more", { audio: 410 }],
  ["cannot be decoded", { audio: Buffer.from("no recording at all ".repeat(40)) }],
  ["was never given away", {}],
] as const)
  test(`plays the written drums where the recording ${what}`, async ({ page }) => {
    await serve(page, song, { result: { ...song.result, stems: {} }, sounds });
    await open(page, song);
    if ("audio" in sounds) await expect(page.getByText(/recording (is not kept any more|could not be loaded)\. You hear the drums as they are written/)).toBeVisible();
    await expect(page.getByRole("img", { name: /^The drum part with/ })).toBeVisible();
    await page.keyboard.press("c");
    await play(page);
    await moves(page);
    for (let press = 0; press < 5; press++) await page.keyboard.press("-");
    await moves(page);
    await page.keyboard.press("l");
    await expect(looped(page)).toHaveCount(1);
    const before = await place(page); // in a loop it may be behind it as well as before it
    await expect.poll(() => place(page)).not.toBe(before);
  });

test("goes from song to stems to written drums while playing, without losing its place", async ({ page }) => {
  const tick = (pitch: number) => wav("tick.wav", 30, (second) => Math.exp(-200 * (second % 0.5)) * Math.sin(second * pitch));
  const sounds = { audio: tick(9000).buffer, drumless: tick(5000).buffer, drums: tick(2000).buffer };
  await serve(page, song, { result: song.result, sounds });
  await open(page, song);
  await page.getByRole("button", { name: "Mixer" }).click();
  await play(page);
  await moves(page);
  const started = { place: await place(page), at: Date.now() };
  for (const name of ["Without drums", "Drums only", "Written drums", "Whole song"]) {
    await page.getByRole("button", { name, exact: true }).click();
    await expect(page.getByRole("button", { name, exact: true })).toHaveAttribute("aria-pressed", "true");
    await moves(page);
  }
  const passed = (Date.now() - started.at) / 1000;
  expect(Math.abs((await place(page)) - started.place - passed)).toBeLessThan(0.5);
  await expect(page.getByRole("slider", { name: "Written drums" })).toHaveValue("0");
});
