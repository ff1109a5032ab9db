import Link from "next/link";

import { AccountLink } from "@/components/account/account-link";
import { heldSession } from "@/lib/account/current";
import { entrance } from "@/lib/bff/entrance";

import { Nav } from "./nav";
import { Wordmark } from "./wordmark";

export async function Header() {
  const mode = (await entrance())?.auth_mode ?? "none";
  const held = mode === "none" ? null : await heldSession();
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
        <div className="flex">
          {(mode === "none" || held) && <Nav />}
          {mode !== "none" && <AccountLink who={held && { kind: held.kind, name: held.name }} />}
        </div>
      </div>
    </header>
  );
}
