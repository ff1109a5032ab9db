import { beforeEach, expect, it } from "vitest";

import { defaultOptions, keepSongDefaults, readSongDefaults, SONG_COOKIE, type SongDefaults } from "./song-defaults";

const kept = () => document.cookie.split("; ").find((part) => part.startsWith(`${SONG_COOKIE}=`))?.slice(SONG_COOKIE.length + 1);

beforeEach(() => {
  document.cookie = `${SONG_COOKIE}=; max-age=0`;
});

it.each<SongDefaults>([
  { voices: "", paper: "" },
  { voices: "1", paper: "" },
  { voices: "", paper: "letter" },
  { voices: "1", paper: "letter" },
])("keeps %j", (chosen) => {
  keepSongDefaults(chosen);
  expect(readSongDefaults(kept())).toEqual(chosen);
});

it("takes anything else for the server's own choice, which is not named", () => {
  for (const value of [undefined, "", "7.a3", "nonsense", "..letter"]) expect(defaultOptions(readSongDefaults(value))).toEqual({});
  expect(defaultOptions({ voices: "1", paper: "letter" })).toEqual({ voices: 1, paper: "letter" });
});
