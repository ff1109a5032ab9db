import Link from "next/link";

/** What stands under every page. */
export function Footer() {
  return (
    <footer className="no-print border-t border-line">
      <nav aria-label="About" className="mx-auto flex max-w-6xl px-4 text-sm text-soft sm:px-6">
        <Link href="/accuracy" className="-mx-3 flex min-h-14 items-center px-3 underline-offset-2 hover:text-ink hover:underline">
          How accurate is this?
        </Link>
      </nav>
    </footer>
  );
}
