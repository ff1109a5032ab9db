"use client";

import { CircleUser, KeyRound, LogIn } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";

type Props = { who: { kind: "account" | "key"; name: string } | null };

const SIGNS = { account: CircleUser, key: KeyRound } as const;

/** Who is signed in, and the way to their account. */
export function AccountLink({ who }: Props) {
  const path = usePathname();
  if (path.startsWith("/sign-")) return null;
  const Sign = who ? SIGNS[who.kind] : LogIn;
  const name = who?.name ?? "Sign in";
  const href = who ? "/account" : "/sign-in";
  return (
    <Link
      href={href}
      aria-label={who ? `Account: ${name}` : undefined}
      title={name}
      aria-current={path === href ? "page" : undefined}
      className="relative flex min-h-14 min-w-12 items-center justify-center gap-2 px-3 text-[0.9375rem] text-soft hover:text-ink aria-[current]:text-ink aria-[current]:after:absolute aria-[current]:after:inset-x-3 aria-[current]:after:bottom-0 aria-[current]:after:h-0.5 aria-[current]:after:bg-accent"
    >
      <Sign aria-hidden className="size-[1.125rem] shrink-0" />
      <span className="max-w-40 truncate max-sm:sr-only">{name}</span>
    </Link>
  );
}
