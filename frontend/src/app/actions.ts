"use server";

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { cookies } from "next/headers";
import { redirect } from "next/navigation";

import { createFromFile, createFromLink } from "@/lib/api/calls";
import { asProblem } from "@/lib/api/problem";
import { apiForRequest } from "@/lib/api/server";
import { readLink } from "@/lib/jobs/link";
import { readOptions } from "@/lib/jobs/options";
import { defaultOptions, readSongDefaults, SONG_COOKIE } from "@/lib/preferences/song-defaults";

export type FormState = { message: string; link: string; code?: string } | null;

/** Start a job from the link in the form, and go to it; or say why not. */
export async function transcribeLink(_before: FormState, form: FormData): Promise<FormState> {
  const link = String(form.get("link") ?? "");
  const read = readLink(link);
  if ("objection" in read) return { message: read.objection, link };
  let id: string;
  try {
    id = await createFromLink(await apiForRequest(), read.url, readOptions(form), String(form.get("key") ?? ""));
  } catch (error) {
    const { message, code } = asProblem(error);
    return { message, code, link };
  }
  redirect(`/jobs/${id}`);
}

/** Start a job with the demo song, and go to it. */
export async function transcribeDemo(): Promise<FormState> {
  let id: string;
  try {
    const song = await readFile(join(process.cwd(), "public", "demo.flac"));
    const file = new File([new Uint8Array(song)], "demo.flac", { type: "audio/flac" });
    const defaults = readSongDefaults((await cookies()).get(SONG_COOKIE)?.value);
    id = await createFromFile(await apiForRequest(), file, { title: "Demo song", ...defaultOptions(defaults) });
  } catch (error) {
    console.error("demo_failed", error);
    const { message, code } = asProblem(error);
    return { message, code, link: "" };
  }
  redirect(`/jobs/${id}`);
}
