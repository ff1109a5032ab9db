import type { Metadata } from "next";
import { cookies } from "next/headers";

import { NoticeSetting } from "@/components/settings/notice-setting";
import { SongSetting } from "@/components/settings/song-setting";
import { ThemeSetting } from "@/components/settings/theme-setting";
import { Page } from "@/components/ui/page";
import { readSongDefaults, SONG_COOKIE } from "@/lib/preferences/song-defaults";
import { readTheme, THEME_COOKIE } from "@/lib/preferences/theme";

export const metadata: Metadata = { title: "Settings" };

export default async function SettingsPage() {
  const jar = await cookies();
  const theme = readTheme(jar.get(THEME_COOKIE)?.value);
  return (
    <Page title="Settings" lead="They hold for this browser on this device.">
      <div className="space-y-4">
        <ThemeSetting initial={theme} />
        <SongSetting initial={readSongDefaults(jar.get(SONG_COOKIE)?.value)} />
        <NoticeSetting />
      </div>
    </Page>
  );
}
