// How fast the page answers on a long score, and whether it keeps its memory.
import { gzipSync } from "node:zlib";

import { type CDPSession, expect, type Page, test } from "@playwright/test";

import type { Song } from "./stand";
import { bar, demo, looped, open, place, repeated, serve } from "./stand";
import { watch } from "./watch";

const BUDGET_MS = 100;
const TRIES = 8;

let song: Song;
test.beforeAll(async () => {
  song = await demo();
});
watch(test);

/** Milliseconds from an event to the picture that answers it, as the browser itself counts them; short ones are 16. */
async function answered(page: Page, act: () => Promise<unknown>): Promise<number> {
  await page.evaluate(() => {
    const kept = window as unknown as { slowest: number; events?: PerformanceObserver };
    kept.slowest = 16;
    kept.events?.disconnect();
    kept.events = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (/^(pointer|mouse|key|click|input|change)/.test(entry.name)) kept.slowest = Math.max(kept.slowest, entry.duration);
    });
    kept.events.observe({ type: "event", durationThreshold: 16 } as PerformanceObserverInit);
  });
  await act();
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        setTimeout(() => requestAnimationFrame(() => setTimeout(() => resolve((window as unknown as { slowest: number }).slowest))), 100);
      }),
  );
}

test("answers every press within 100 ms on a score of 168 bars", async ({ page }) => {
  const long = repeated(song, 168);
  await serve(page, song, long);
  await open(page, long, 168);
  const button = (name: string | RegExp) => page.getByRole("button", { name, exact: typeof name === "string" });
  let next = 2;
  const acts: [string, () => Promise<unknown>][] = [
    ["play", () => button("Play").click()],
    ["seek by pressing a bar", () => bar(page, (next += 2)).click()],
    ["loop by Shift and a bar", () => bar(page, (next += 1)).click({ modifiers: ["Shift"] })],
    ["pause", () => button("Pause").click()],
    ["tint off or on", () => button(/^Mark doubtful notes/).click()],
    ["mixer open or closed", () => button("Mixer").click()],
    ["focus to the next bar", () => bar(page, next).press("ArrowRight")],
    ["slower", () => button("Slower").click()],
    ["larger", () => button(next % 2 ? "Larger" : "Smaller").click()],
  ];
  const best = new Map<string, number>();
  const rests = () => page.waitForFunction(() => document.querySelectorAll(".engraving-stage svg").length === 0);
  // A shared machine may stumble: what was too slow is tried again, and the best of the tries counts.
  const slow = () => [...best].some(([, time]) => time >= BUDGET_MS);
  for (let round = 0; round < TRIES && (round < 2 || slow()); round++)
    for (const [what, act] of acts) {
      best.set(what, Math.min(best.get(what) ?? Infinity, await answered(page, act)));
      if (what === "larger") await rests();
    }
  console.log([...best].map(([what, time]) => `${what}: ${time} ms`).join("\n"));
  for (const [what, time] of best) expect.soft(time, what).toBeLessThan(BUDGET_MS);
});

test("a new size is seen at once, and engraved for without holding the page up", async ({ page }) => {
  const long = repeated(song, 168);
  await serve(page, song, long);
  await open(page, long, 168);
  const height = async () => (await page.locator(".score-sheet").boundingBox())!.height;
  const before = await height();
  await page.evaluate(() => {
    const kept = window as unknown as { tasks: number[] };
    kept.tasks = [];
    new PerformanceObserver((list) => kept.tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: "longtask" });
  });
  const scaled = page.waitForFunction(() => document.querySelector(".origin-top-left")?.getAttribute("style")?.includes("scale("));
  await page.getByRole("button", { name: "Larger" }).click();
  await scaled;
  expect(await height()).toBeCloseTo((before - 34) * 1.1 + 34, -1);
  await page.waitForFunction(() => !document.querySelector(".origin-top-left")?.getAttribute("style")?.includes("scale("), undefined, { timeout: 60_000 });
  await expect(page.locator("[data-bar]")).toHaveCount(168);
  const tasks = await page.evaluate(() => (window as unknown as { tasks: number[] }).tasks);
  const total = tasks.reduce((sum, task) => sum + task, 0);
  console.log(`engraved anew: longest task ${Math.round(Math.max(0, ...tasks))} ms of ${Math.round(total)} ms in long tasks`);
  // In one piece it would be more than a second, and on a busy machine several.
  expect(Math.max(0, ...tasks)).toBeLessThan(Math.max(3 * BUDGET_MS, total / 2));
});

test("loads engraver and player with the score and not before", async ({ page }) => {
  const scripts = new Map<string, number>();
  page.on("response", async (response) => {
    if (response.url().endsWith(".js") && response.ok()) scripts.set(response.url(), gzipSync(await response.body()).length / 1000);
  });
  const total = () => [...scripts.values()].reduce((sum, size) => sum + size, 0);
  await page.goto("/");
  await page.waitForLoadState("networkidle");
  const first = total();
  await open(page, song);
  await page.waitForLoadState("networkidle");
  console.log(`start page ${first.toFixed(0)} kB, then the score page ${(total() - first).toFixed(0)} kB of JavaScript, gzip`);
  expect(first).toBeLessThan(250);
  expect(total() - first).toBeLessThan(600);
});

async function heap(cdp: CDPSession): Promise<number> {
  for (let round = 0; round < 3; round++) await cdp.send("HeapProfiler.collectGarbage");
  return (await cdp.send("Runtime.getHeapUsage")).usedSize / 2 ** 20;
}

test("memory is the same after twenty loops, and after the score was opened twenty times", async ({ page }) => {
  await open(page, song);
  const cdp = await page.context().newCDPSession(page);
  for (let press = 0; press < 10; press++) await page.keyboard.press("+");
  await bar(page, 4).click();
  await page.keyboard.press("l");
  await expect(looped(page)).toHaveCount(1);
  await page.getByRole("button", { name: "Play", exact: true }).click();
  const loops = (count: number) =>
    page.evaluate(
      (wanted) =>
        new Promise<void>((resolve) => {
          const line = document.querySelector<HTMLElement>('[data-testid="cursor"]')!;
          let [last, seen] = [Infinity, -1];
          const look = () => {
            const now = Number(line.dataset.place);
            if (now < last - 0.5) seen += 1;
            last = now;
            if (seen < wanted) requestAnimationFrame(look);
            else resolve();
          };
          look();
        }),
      count,
    );
  await loops(3);
  const before = await heap(cdp);
  await loops(20);
  const after = await heap(cdp);
  console.log(`20 loops: ${before.toFixed(1)} MB, then ${after.toFixed(1)} MB`);
  expect(after - before).toBeLessThan(3);
  expect(await place(page)).toBeLessThan(song.score.bars[4]!.time);
  const visit = async () => {
    await page.getByRole("link", { name: "Library" }).click();
    await page.getByRole("list", { name: "Songs" }).getByRole("link", { name: /Play along/ }).first().click();
    await expect(page.locator("[data-bar]")).toHaveCount(song.score.bars.length, { timeout: 60_000 });
  };
  for (let turn = 0; turn < 4; turn++) await visit();
  const opened = await heap(cdp);
  for (let turn = 0; turn < 20; turn++) await visit();
  const reopened = await heap(cdp);
  console.log(`opened 20 times: ${opened.toFixed(1)} MB, then ${reopened.toFixed(1)} MB`);
  expect(reopened - opened).toBeLessThan(6);
});
