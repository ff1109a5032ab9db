import "./globals.css";

import type { Metadata, Viewport } from "next";
import { cookies } from "next/headers";
import type { ReactNode } from "react";

import { SignedOutNotice } from "@/components/account/signed-out-notice";
import { Footer } from "@/components/layout/footer";
import { Header } from "@/components/layout/header";
import { Queries } from "@/components/layout/queries";
import { UnlessShared } from "@/components/layout/unless-shared";
import { heldSession } from "@/lib/account/current";
import { readTheme, THEME_COOKIE } from "@/lib/preferences/theme";

export const metadata: Metadata = {
  title: { default: "DrumScribe: drum sheet music from a recording", template: "%s · DrumScribe" },
  description: "Turn a song into drum sheet music, and play along with it.",
};

export const viewport: Viewport = {
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#ffffff" },
    { media: "(prefers-color-scheme: dark)", color: "#1a1d20" },
  ],
};

export default async function RootLayout({ children }: { children: ReactNode }) {
  const theme = readTheme((await cookies()).get(THEME_COOKIE)?.value);
  const who = (await heldSession())?.id ?? "";
  return (
    <html lang="en" data-theme={theme}>
      <body>
        {/* Somebody else finds nothing of what was kept for the one before */}
        <Queries key={who}>
          <UnlessShared>
            <SignedOutNotice />
            <Header />
          </UnlessShared>
          <div className="min-h-[calc(100dvh-7.125rem)]">{children}</div>
          <UnlessShared>
            <Footer />
          </UnlessShared>
        </Queries>
      </body>
    </html>
  );
}
