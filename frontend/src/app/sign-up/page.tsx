import type { Metadata } from "next";
import Link from "next/link";
import { redirect } from "next/navigation";

import { SignUpForm } from "@/components/account/sign-in-forms";
import { Page } from "@/components/ui/page";
import { safePath } from "@/lib/account/way-back";
import { entrance } from "@/lib/bff/entrance";

export const metadata: Metadata = { title: "Make an account" };

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

export default async function SignUpPage({ searchParams }: Props) {
  const { next: wanted } = await searchParams;
  const next = safePath(typeof wanted === "string" ? wanted : null);
  const signIn = next === "/" ? "/sign-in" : `/sign-in?${new URLSearchParams({ next })}`;
  const door = await entrance();
  if (!door?.allows_signup) redirect(signIn);
  return (
    <Page title="Make an account" lead="Your songs, scores and corrections are kept with it, and open on every device that you sign in on.">
      <div className="max-w-md space-y-4">
        <section aria-label="New account" className="card p-4 sm:p-6">
          <SignUpForm next={next} shortest={door.shortest_password} />
        </section>
        <p>
          Have one already?{" "}
          <Link className="font-medium text-accent underline underline-offset-2" href={signIn}>
            Sign in
          </Link>
        </p>
      </div>
    </Page>
  );
}
