// What every new song starts with, unless it is said otherwise. Kept in a cookie, so that the forms are right at the first paint.
import type { JobOptions } from "@/lib/api/types";

/** As the options of the start page write them; empty: the server's own choice. */
export type SongDefaults = { voices: "" | "1"; paper: "" | "letter" };

export const SONG_COOKIE = "song";
export const VOICES = { "": "Hands and feet apart", "1": "All in one voice" } as const;
export const PAPERS = { "": "A4", letter: "US Letter" } as const;

const A_YEAR_S = 31_536_000;

export function readSongDefaults(value: string | undefined): SongDefaults {
  const [voices, paper] = (value ?? "").split(".");
  return { voices: voices === "1" ? "1" : "", paper: paper === "letter" ? "letter" : "" };
}

/** The same as options of a song. */
export const defaultOptions = ({ voices, paper }: SongDefaults): JobOptions => ({
  ...(voices !== "" && { voices: Number(voices) }),
  ...(paper !== "" && { paper }),
});

export function keepSongDefaults({ voices, paper }: SongDefaults): void {
  document.cookie = `${SONG_COOKIE}=${voices}.${paper}; path=/; max-age=${A_YEAR_S}; samesite=lax`;
}
