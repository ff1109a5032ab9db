import { cookies } from "next/headers";

import { StartPage } from "@/components/start/start-page";
import { getLimits, getModels } from "@/lib/api/calls";
import { apiForRequest } from "@/lib/api/server";
import { readSongDefaults, SONG_COOKIE } from "@/lib/preferences/song-defaults";

export default async function Start() {
  const api = await apiForRequest();
  const [limits, models] = await Promise.all([getLimits(api), getModels(api)]);
  const defaults = readSongDefaults((await cookies()).get(SONG_COOKIE)?.value);
  return <StartPage limits={limits} models={models} defaults={defaults} />;
}
