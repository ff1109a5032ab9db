import Link from "next/link";

import { Nav } from "./nav";
import { Wordmark } from "./wordmark";

export function Header() {
  return (
    <header className="no-print border-b border-line bg-sheet">
      <a
        href="#content"
        className="sr-only rounded-lg bg-accent px-4 py-3 text-on-accent focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-50"
      >
        Skip to the content
      </a>
      <div className="mx-auto flex max-w-6xl items-center justify-between gap-2 px-4 sm:px-6">
        <Link href="/" className="flex min-h-14 items-center gap-2.5 rounded font-title text-lg font-semibold" aria-label="DrumScribe, start page">
          <Wordmark />
          <span>DrumScribe</span>
        </Link>
        <Nav />
      </div>
    </header>
  );
}
