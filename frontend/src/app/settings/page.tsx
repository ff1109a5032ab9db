import type { Metadata } from "next";
import { cookies } from "next/headers";

import { NoticeSetting } from "@/components/settings/notice-setting";
import { ThemeSetting } from "@/components/settings/theme-setting";
import { Page } from "@/components/ui/page";
import { readTheme, THEME_COOKIE } from "@/lib/preferences/theme";

export const metadata: Metadata = { title: "Settings" };

export default async function SettingsPage() {
  const theme = readTheme((await cookies()).get(THEME_COOKIE)?.value);
  return (
    <Page title="Settings" lead="They hold for this browser on this device.">
      <div className="space-y-4">
        <ThemeSetting initial={theme} />
        <NoticeSetting />
      </div>
    </Page>
  );
}
