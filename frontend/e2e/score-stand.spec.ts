// The score page on paper, on phones, in the dark, by keyboard and for screen readers.
import { expect, test } from "@playwright/test";

import { wav } from "./recordings";
import type { Song } from "./stand";
import { bar, demo, open, place, serve } from "./stand";
import { axe, watch } from "./watch";

let song: Song;
test.beforeAll(async () => {
  song = await demo();
});
watch(test);

test("prints the service's pages, all of them and nothing else", async ({ page }) => {
  await page.addInitScript(() => {
    window.print = () => document.documentElement.setAttribute("data-printed", "");
  });
  await open(page, song);
  await page.keyboard.press("Control+p");
  await expect(page.locator("html[data-printed]")).toHaveCount(1);
  await page.emulateMedia({ media: "print" });
  const sheets = page.locator(".print-only img");
  const count = await sheets.count();
  expect(count).toBeGreaterThan(0);
  for (const loaded of await sheets.evaluateAll((all) => all.map((each) => (each as HTMLImageElement).naturalWidth))) expect(loaded).toBeGreaterThan(0);
  for (const hidden of ["header", "h1", "[data-dock]", ".score-sheet"]) await expect(page.locator(hidden).first()).toBeHidden();
  const pdf = (await page.pdf({ preferCSSPageSize: true, path: process.env.E2E_PRINTED })).toString("latin1");
  expect(pdf.match(/\/Type \/Page\b/g)).toHaveLength(count);
  expect(pdf).toMatch(/\/MediaBox \[0 0 59[45](\.\d+)? 84[12](\.\d+)?\]/); // A4 in points
  await page.evaluate(() => window.dispatchEvent(new Event("afterprint")));
  await page.emulateMedia({ media: "screen" });
  await expect(sheets).toHaveCount(0);
  await expect(page.locator("h1")).toBeVisible();
});

test("printed from the browser's menu, the score is as wide as the paper and stands alone", async ({ page }) => {
  await open(page, song);
  await page.emulateMedia({ media: "print" });
  const drawn = (await page.locator(".engraving").boundingBox())!;
  expect(drawn.width).toBeGreaterThan(600);
  expect(drawn.width).toBeLessThanOrEqual(680);
  for (const hidden of ["header", "[data-dock]", '[data-testid="cursor"]']) await expect(page.locator(hidden).first()).toBeHidden();
  const pages = (await page.pdf({ format: "A4", margin: { top: "12mm", bottom: "12mm", left: "12mm", right: "12mm" } })).toString("latin1").match(/\/Type \/Page\b/g);
  expect(pages!.length).toBeLessThanOrEqual(2);
});

for (const [what, width, height, scheme] of [
  ["a phone", 390, 844, "light"],
  ["a phone on its side", 844, 390, "dark"],
  ["a tablet", 1024, 768, "dark"],
] as const)
  test(`follows the music on ${what}, the next line on the screen before it is needed`, async ({ page }) => {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await open(page, song);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
    await page.getByRole("button", { name: "Score alone on the screen" }).click();
    await expect(page.locator(".full-page")).toBeVisible();
    const play = page.getByRole("button", { name: "Play", exact: true });
    const thumb = (await play.boundingBox())!;
    expect(thumb.y + thumb.height).toBeLessThanOrEqual(height);
    expect(thumb.y).toBeGreaterThan(height * 0.6);
    for (let press = 0; press < 10; press++) await page.keyboard.press("+");
    await play.click();
    // In every look the bar that sounds is seen, and where it is its line's last, the bar after it as well.
    const unseen = await page.evaluate(
      () =>
        new Promise<string[]>((resolve) => {
          const bars = [...document.querySelectorAll<HTMLElement>("[data-bar]")];
          const dock = [...document.querySelectorAll("[data-dock]")].map((each) => each.getBoundingClientRect()).filter((box) => box.height > 0);
          const foot = Math.min(...dock.map((box) => box.top));
          const missing: string[] = [];
          const seen = (each: HTMLElement) => {
            const box = each.getBoundingClientRect();
            return box.top >= -2 && box.bottom <= foot + 2;
          };
          const shown = document.querySelector<HTMLElement>('[data-testid="bar-now"]')!;
          const began = performance.now();
          let [before, since] = [-1, 0];
          const look = () => {
            const now = Number(shown.textContent) - 1;
            if (now !== before) [before, since] = [now, performance.now()];
            const [here, next] = [bars[now], bars[now + 1]];
            if (here && performance.now() - since > 250) {
              if (!seen(here)) missing.push(`bar ${now + 1}`);
              const turns = next && next.getBoundingClientRect().top > here.getBoundingClientRect().top;
              if (turns && !seen(next)) missing.push(`bar ${now + 2} while bar ${now + 1} sounds`);
            }
            if (now >= 5 || performance.now() - began > 20_000) resolve([...new Set(missing)]);
            else requestAnimationFrame(look);
          };
          look();
        }),
    );
    expect(unseen).toEqual([]);
    if (process.env.E2E_SHOTS) await page.screenshot({ path: `${process.env.E2E_SHOTS}/${what.replaceAll(" ", "-")}.png` });
    await page.getByRole("button", { name: "Pause" }).click();
    await page.keyboard.press("f");
    await expect(page.locator(".full-page")).toHaveCount(0);
  });

test("keeps the screen on while music plays, and lets it go with the pause", async ({ page }) => {
  await page.addInitScript(() => {
    const held = { now: 0 };
    Object.assign(window, { held });
    const request = async () => ({ release: async () => void (held.now -= 1), asked: (held.now += 1) });
    Object.defineProperty(navigator, "wakeLock", { value: { request } });
  });
  await open(page, song);
  const held = () => page.evaluate(() => (window as unknown as { held: { now: number } }).held.now);
  expect(await held()).toBe(0);
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await expect.poll(held).toBe(1);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect.poll(held).toBe(0);
});

test("has no fault that axe finds, in any state, light and dark", async ({ page }) => {
  await serve(page, song, { result: { ...song.result, stems: {} }, sounds: { audio: 410 } });
  await open(page, song);
  await axe(page); // with the notice that the recording is gone
  await page.getByRole("button", { name: "Mixer" }).click();
  await bar(page, 3).click();
  await page.keyboard.press("l");
  await expect(page.getByRole("slider", { name: "End of the loop" })).toBeVisible();
  await axe(page);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await axe(page);
  await page.keyboard.press("?");
  await axe(page);
  await page.keyboard.press("Escape");
  await page.getByLabel("Drawn").selectOption("pages");
  await expect(page.locator(".score-page-image").first()).toBeVisible();
  await axe(page);
});

test("can be played with the keyboard alone, and says where the music is", async ({ page }) => {
  await open(page, song);
  await page.getByRole("button", { name: "Bar 1", exact: true }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("button", { name: "Bar 2", exact: true })).toBeFocused();
  expect(await place(page)).toBeCloseTo(song.score.bars[1]!.time, 2);
  await page.keyboard.press("Tab");
  const order: string[] = [];
  for (let step = 0; step < 20; step++) {
    order.push(await page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? ""));
    await page.keyboard.press("Tab");
  }
  for (const name of ["Bar before", "Play", "Bar after", "Slower", "Faster", "Loop", "Click", "Count-in", "Mixer"]) expect(order).toContain(name);
  await page.getByRole("button", { name: "Play", exact: true }).focus();
  await page.keyboard.press("Enter");
  await expect(page.locator('[aria-live="polite"]', { hasText: /^Bar \d+ of 14$/ })).toHaveCount(1);
});

test("says so where nothing was heard", async ({ page, request }) => {
  const murmur = wav("murmur.wav", 8, (second) => 0.3 * Math.sin(second * 2 * Math.PI * 220) * Math.sin(second * 0.7));
  const made = await request.post("/api/v1/jobs", { multipart: { file: murmur, title: "Murmur" } });
  const { job_id: id } = (await made.json()) as { job_id: string };
  await expect.poll(async () => ((await (await request.get(`/api/v1/jobs/${id}`)).json()) as { status: string }).status, { timeout: 90_000 }).toBe("completed");
  await page.goto(`/jobs/${id}`);
  await expect(page.getByText("No drum strokes were heard")).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole("button", { name: "Play", exact: true })).toBeEnabled();
});
