import Link from "next/link";
import type { ReactNode } from "react";

import { Wordmark } from "@/components/layout/wordmark";

/** Around a score that somebody was sent a link to: no ways to songs of others, only who wrote it. */
export default function SharedLayout({ children }: { children: ReactNode }) {
  return (
    <>
      <header className="no-print border-b border-line bg-sheet">
        <div className="mx-auto max-w-[96rem] px-4 sm:px-6">
          <Link href="/" className="inline-flex min-h-12 items-center gap-2.5 rounded text-[0.9375rem]">
            <Wordmark />
            <span>
              Made with <span className="font-title font-semibold">DrumScribe</span>
            </span>
          </Link>
        </div>
      </header>
      {children}
    </>
  );
}
