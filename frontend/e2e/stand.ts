// What the tests of the score page share: songs of their own making, and a tap on what really sounds.
import { readFile } from "node:fs/promises";

import { expect, type Page } from "@playwright/test";

import { readScore, type ScoreDocument } from "../src/lib/score/score";

import { DEMO } from "./recordings";

const API = `http://127.0.0.1:${process.env.E2E_API_PORT ?? 8142}/api/v1/jobs`;

export type Score = ScoreDocument;
export type Result = {
  job_id: string;
  duration_seconds: number;
  hits: { time: number; instrument: string; velocity: number; confidence: number }[];
  beats: { time: number; number: number }[];
  downbeats: number[];
  stems: Record<string, string>;
};
export type Song = { id: string; result: Result; score: Score; musicxml: string };

type Recording = { sound: Buffer; name: string };

/** The demo song or another one, transcribed by the real server once for all files of tests. */
export async function demo(other?: Recording): Promise<Song> {
  const id = (process.env.E2E_DEMO_JOB ??= await transcribed(other ?? { sound: await readFile(DEMO), name: "demo.flac" }));
  const [result, score, musicxml] = await Promise.all(["result", "download/score", "download/musicxml"].map(async (path) => (await fetch(`${API}/${id}/${path}`)).text()));
  return { id, result: JSON.parse(result!) as Result, score: readScore(score!), musicxml: musicxml! };
}

async function transcribed({ sound, name }: Recording): Promise<string> {
  const form = new FormData();
  form.set("file", new Blob([new Uint8Array(sound)]), name);
  form.set("title", "Play along");
  const { job_id: id } = (await (await fetch(API, { method: "POST", body: form })).json()) as { job_id: string };
  await expect
    .poll(async () => ((await (await fetch(`${API}/${id}`)).json()) as { status: string }).status, { timeout: 150_000 + sound.length / 100 })
    .toBe("completed");
  return id;
}

const shifted = (fraction: string, by: number) => {
  const [over = "0", under = "1"] = fraction.split("/");
  return `${Number(over) + by * Number(under)}/${under}`;
};

/** The song's own bars over and over: a score as long as wanted, made of what the server wrote. */
export function repeated({ id, result, score, musicxml }: Song, bars: number): Song {
  const count = score.bars.length;
  const times = Math.ceil(bars / count);
  const seconds = score.tempo_map.anchors.at(-1)!.time - score.bars[0]!.time;
  const quarters = count * 4;
  const copies = Array.from({ length: times }, (_, index) => index);
  const later = <T extends { time?: number | null }>(event: T, copy: number) => ({ ...event, time: (event.time ?? 0) + copy * seconds });
  const [head = "", ...rest] = musicxml.split(/(?=<measure )/);
  const tail = "</part></score-partwise>";
  const inner = rest.map((measure) => measure.replace(/<\/part>[\s\S]*/, "").replace(/<barline[\s\S]*?<\/barline>/g, ""));
  return {
    id,
    result: {
      ...result,
      duration_seconds: result.duration_seconds + (times - 1) * seconds,
      hits: copies.flatMap((copy) => result.hits.map((hit) => later(hit, copy))),
      beats: copies.flatMap((copy) => result.beats.map((beat) => later(beat, copy))),
      downbeats: copies.flatMap((copy) => result.downbeats.map((beat) => beat + copy * seconds)),
    },
    score: {
      ...score,
      bars: copies
        .flatMap((copy) => score.bars.map((bar) => ({ ...later(bar, copy), start: shifted(bar.start, copy * quarters), notes: bar.notes.map((note) => later(note, copy)) })))
        .map((bar, index) => ({ ...bar, number: index + 1 })),
      tempo_map: { anchors: copies.flatMap((copy) => score.tempo_map.anchors.slice(0, copy === times - 1 ? undefined : -1).map((anchor) => ({ ...later(anchor, copy), position: shifted(anchor.position, copy * quarters) }))) },
    },
    musicxml:
      head +
      copies
        .flatMap((copy) => inner.map((measure) => (copy ? measure.replace(/<attributes>[\s\S]*?<\/attributes>/, "").replace(/<direction [\s\S]*?<\/direction>/, "") : measure)))
        .map((measure, index) => measure.replace(/number="\d+"/, `number="${index + 1}"`))
        .join("") +
      tail,
  };
}

export type Served = Partial<Pick<Song, "result" | "score" | "musicxml">> & { sounds?: Record<string, Buffer | number> };

/** Answers for the server where a test wants another song than it has: score, hits, recordings (or a status instead). */
export async function serve(page: Page, { id }: Song, { result, score, musicxml, sounds = {} }: Served): Promise<void> {
  const base = `**/api/v1/jobs/${id}`;
  const json = (body: unknown) => ({ contentType: "application/json", body: JSON.stringify(body) });
  const stems = Object.fromEntries(Object.keys(sounds).map((name) => [name, `/api/v1/jobs/${id}/download/${name}`]));
  if (result) await page.route(`${base}/result*`, (route) => route.fulfill(json({ ...result, stems: { ...result.stems, ...stems } })));
  if (score) await page.route(`${base}/download/score*`, (route) => route.fulfill(json(score)));
  if (musicxml) await page.route(`${base}/download/musicxml*`, (route) => route.fulfill({ contentType: "application/xml", body: musicxml }));
  for (const [name, sound] of Object.entries(sounds))
    await page.route(`${base}/download/${name}*`, (route) => route.fulfill(typeof sound === "number" ? { status: sound } : { contentType: "audio/wav", body: sound }));
}

/** Opens the song's page and waits for the whole score to be drawn and play to be possible. */
export async function open(page: Page, song: Song, bars = song.score.bars.length): Promise<void> {
  await page.goto(`/jobs/${song.id}`);
  await expect(page.locator("[data-bar]")).toHaveCount(bars, { timeout: 60_000 });
  await expect(page.getByRole("button", { name: "Play", exact: true })).toBeEnabled();
}

export const bar = (page: Page, number: number) => page.locator(`[data-bar="${number - 1}"]`);

/** Place of the song that the cursor shows, in seconds. */
export const place = async (page: Page) => Number(await page.getByTestId("cursor").getAttribute("data-place"));

export const looped = (page: Page) => page.getByRole("button", { name: /, in the loop/ });
