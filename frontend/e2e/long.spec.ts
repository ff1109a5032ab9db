// A quarter of an hour in real time: not part of the other tests, because it takes forty minutes. `npm run e2e:long`.
import { expect, type Page, test } from "@playwright/test";

import type { Song } from "./stand";
import { bar, demo, looped, open, serve } from "./stand";
import { clicksAt, errors, listen, prepare } from "./tap";

test.use({ bypassCSP: true }); // the tap is a script of the test's own

const SECONDS = Number(process.env.E2E_LONG_SECONDS ?? 900);
const LIMIT_MS = 20;
const WINDOW_S = 15; // of the device's time; what is heard is worked out after each
const TIMES = Array.from({ length: Math.floor((SECONDS - 2) / 0.7517) }, (_, index) => 0.52 + index * 0.7517 + (index % 3) * 0.021);

let song: Song;
test.beforeAll(async () => {
  test.setTimeout(30 * 60_000);
  song = await demo({ sound: clicksAt(TIMES, SECONDS, 0.03), name: "A quarter of an hour.wav" });
});

/** The figures of many readings in one line. */
function told(name: string, all: readonly number[]): string {
  const sorted = all.map(Math.abs).sort((one, other) => one - other);
  const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? NaN).toFixed(1);
  return `${name}: median ${at(0.5)} ms, 99 % within ${at(0.99)} ms, worst ${at(1)} ms, ${sorted.filter((each) => each >= LIMIT_MS).length} of ${all.length} beyond ${LIMIT_MS} ms`;
}

const shown = async (page: Page) => Number(await page.getByTestId("cursor").getAttribute("data-place"));

/** Listens in one window after the other, until a place of the song is reached. */
async function measure(page: Page, rate: number, until: (place: number) => boolean) {
  const all = { recording: [] as number[], cursor: [] as number[] };
  for (let window = 0; !until(await shown(page)); window++) {
    const heard = await listen(page, WINDOW_S);
    const now = await shown(page);
    if (now > SECONDS - WINDOW_S * rate) break; // the end of the song cuts the last window short
    const { recording, cursor } = errors(heard, TIMES, rate);
    all.recording.push(...recording);
    all.cursor.push(...cursor);
    if (window % 8 === 0) console.log(`${rate * 100} %, at ${now.toFixed(0)} s: ${told("recording", recording)}; ${told("cursor", cursor)}`);
  }
  return all;
}

for (const rate of [1, 0.7])
  test(`sound and cursor are together over the whole of a long song at ${rate * 100} %`, async ({ page }) => {
    test.setTimeout((SECONDS / rate + 600) * 1000);
    await prepare(page);
    // Both sounds are to be clicks: the hits are where the clicks are. All else is the server's: recording, bars, tempo map.
    const hits = TIMES.map((time) => ({ time, instrument: "cross_stick", velocity: 1, confidence: 1 }));
    await serve(page, song, { result: { ...song.result, hits } });
    await open(page, song);
    expect(song.result.duration_seconds).toBeCloseTo(SECONDS, 0);
    await page.getByRole("button", { name: "Mixer" }).click();
    await page.getByRole("slider", { name: "Written drums" }).fill("100");
    await page.getByRole("button", { name: /^Speed/ }).click();
    for (let press = 0; press < (1 - rate) / 0.05 - 0.5; press++) await page.getByRole("button", { name: "Slower" }).click();
    await page.getByRole("button", { name: "Play", exact: true }).click();
    await expect(page.getByTestId("cursor")).toHaveAttribute("data-place", /./);

    const parts: [string, Awaited<ReturnType<typeof measure>>][] = [];
    if (rate === 1) {
      parts.push(["first third", await measure(page, rate, (place) => place > SECONDS / 3)]);
      const now = await page.getByTestId("bar-now").textContent();
      const here = Number(now) + 1;
      await bar(page, here).click();
      await bar(page, here + 1).click({ modifiers: ["Shift"] });
      await expect(looped(page)).toHaveCount(2);
      const ends = Date.now() + SECONDS * 133; // two minutes of a quarter of an hour
      parts.push(["loop of two bars", await measure(page, rate, () => Date.now() > ends)]);
      await page.keyboard.press("l");
      await expect(looped(page)).toHaveCount(0);
      parts.push(["from the loop to the end", await measure(page, rate, (place) => place > SECONDS - WINDOW_S)]);
    } else parts.push(["whole song", await measure(page, rate, (place) => place > SECONDS - WINDOW_S)]);

    for (const [name, { recording, cursor }] of parts) {
      console.log(`${rate * 100} %, ${name}: ${told("recording", recording)}; ${told("cursor", cursor)}`);
      for (const [what, all] of [["recording", recording], ["cursor", cursor]] as const) {
        expect.soft(all.length, `${what}, ${name}`).toBeGreaterThan(10);
        expect.soft(Math.max(...all.map(Math.abs)), `${what}, ${name}`).toBeLessThan(LIMIT_MS);
      }
    }
  });
