import { expect, test } from "@playwright/test";

import type { Song } from "./stand";
import { bar, demo, looped, open, serve } from "./stand";
import { clicksAt, errors, listen, prepare, worst } from "./tap";

test.use({ bypassCSP: true }); // the tap is a script of the test's own; what the policy lets through is tested elsewhere

const TIMES = Array.from({ length: 38 }, (_, index) => 0.52 + index * 0.7517 + (index % 3) * 0.021);
const LIMIT_MS = 20;

let song: Song;
test.beforeAll(async () => {
  song = await demo();
});

test.beforeEach(async ({ page }) => {
  await prepare(page);
  const hits = TIMES.map((time) => ({ time, instrument: "cross_stick", velocity: 1, confidence: 1 }));
  const { duration_seconds: seconds } = song.result;
  await serve(page, song, { result: { ...song.result, hits }, sounds: { audio: clicksAt(TIMES, seconds) } });
  await open(page, song);
  await page.getByRole("button", { name: "Mixer" }).click();
  await page.getByRole("slider", { name: "Written drums" }).fill("100");
});

test("recording, written drums and cursor are within 20 ms of each other at every speed, and in a loop", async ({ page }) => {
  const measured: string[] = [];
  for (const [rate, start, inLoop] of [[0.25, 4, false], [0.5, 4, false], [0.75, 2, true], [1, 4, false], [1, 2, true], [1.5, 2, false]] as const) {
    await page.getByRole("button", { name: /^Speed/ }).click();
    for (let press = 0; press < Math.abs(rate - 1) / 0.05 - 0.5; press++) await page.getByRole("button", { name: rate < 1 ? "Slower" : "Faster" }).click();
    await bar(page, start).click();
    if (inLoop) {
      await bar(page, start + 1).click({ modifiers: ["Shift"] });
      await expect(looped(page)).toHaveCount(2);
    }
    await page.getByRole("button", { name: "Play", exact: true }).click();
    await expect(page.getByTestId("cursor")).toHaveAttribute("data-place", /./);
    // The machine that runs this is shared: a hiccup of it is not the player's error, one in three tries must be clean.
    let best = { recording: [Infinity], cursor: [Infinity] };
    for (let attempt = 0; attempt < 3 && Math.max(worst(best.recording), worst(best.cursor)) > LIMIT_MS; attempt++)
      best = errors(await listen(page, rate < 0.5 ? 13 : inLoop ? 5 : 4), TIMES, rate);
    measured.push(`${rate * 100} %${inLoop ? " in a loop" : ""}: recording ${worst(best.recording).toFixed(1)} ms, cursor ${worst(best.cursor).toFixed(1)} ms`);
    await page.getByRole("button", { name: "Pause" }).click();
    if (inLoop) await page.keyboard.press("l");
    expect.soft(worst(best.recording), measured.at(-1)).toBeLessThan(LIMIT_MS);
    expect.soft(best.cursor.length).toBeGreaterThan(1);
    expect.soft(worst(best.cursor), measured.at(-1)).toBeLessThan(LIMIT_MS);
  }
  console.log(measured.join("\n"));
});

test("count-in waits one bar, click sounds on the beats, mute and solo silence what they say", async ({ page }) => {
  const drums = page.getByRole("slider", { name: "Written drums" });
  await page.getByRole("slider", { name: "Recording" }).fill("0");
  await bar(page, 3).click();
  await bar(page, 6).click({ modifiers: ["Shift"] }); // a loop: however slow the machine, the song does not end meanwhile
  await page.getByRole("button", { name: "Play", exact: true }).click();
  expect((await listen(page, 3)).drums.length).toBeGreaterThan(1);
  await page.getByRole("button", { name: "Mute Cross stick" }).click();
  await page.waitForTimeout(1500);
  expect((await listen(page, 2)).drums).toEqual([]);
  await page.getByRole("button", { name: "Solo Cross stick" }).click();
  await page.waitForTimeout(1500);
  expect((await listen(page, 3)).drums.length).toBeGreaterThan(1);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Loop", exact: true }).click();
  await drums.fill("0");
  await page.getByRole("button", { name: "Click", exact: true }).click();
  await page.getByRole("button", { name: "Count-in" }).click();
  await bar(page, 5).click();
  const listening = listen(page, 8); // from before it begins
  await page.getByRole("button", { name: "Play", exact: true }).click();
  const { drums: ticks, cursor } = await listening;
  const { bars } = song.score;
  const length = bars[5]!.time - bars[4]!.time;
  const begins = cursor.find(([, place]) => place > cursor[0]![1] + 0.02)!;
  const start = begins[0] - (begins[1] - bars[4]!.time); // device time at which the bar begins to sound
  const beats = song.result.beats.map(({ time }) => time).filter((beat) => beat > bars[4]!.time - 0.06 && beat < bars[5]!.time).map((beat) => start + beat - bars[4]!.time);
  const expected = [...beats.map((beat) => beat - length), ...beats].filter((time) => time > (ticks[0] ?? 0) - 0.1 && time < ticks.at(-1)!);
  expect(expected.length).toBeGreaterThan(4);
  for (const time of expected) expect(ticks.some((tick) => Math.abs(tick - time) < 0.02), `${time} in ${ticks.join(" ")}`).toBe(true);
});
