"use client";

import { Library, Plus, SlidersHorizontal } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";

const PLACES = [
  { href: "/", name: "New song", Sign: Plus },
  { href: "/library", name: "Library", Sign: Library },
  { href: "/settings", name: "Settings", Sign: SlidersHorizontal },
] as const;

export function Nav() {
  const path = usePathname();
  return (
    <nav aria-label="Main" className="flex">
      {PLACES.map(({ href, name, Sign }) => (
        <Link
          key={href}
          href={href}
          aria-current={path === href ? "page" : undefined}
          className="relative flex min-h-14 min-w-12 items-center justify-center gap-2 px-3 text-[0.9375rem] text-soft hover:text-ink aria-[current]:text-ink aria-[current]:after:absolute aria-[current]:after:inset-x-3 aria-[current]:after:bottom-0 aria-[current]:after:h-0.5 aria-[current]:after:bg-accent"
        >
          <Sign aria-hidden className="size-[1.125rem]" />
          <span className="max-sm:sr-only">{name}</span>
        </Link>
      ))}
    </nav>
  );
}
