import type { Metadata } from "next";
import Link from "next/link";
import { redirect } from "next/navigation";

import { KeyForm, PasswordForm } from "@/components/account/sign-in-forms";
import { Notice } from "@/components/ui/notice";
import { Page } from "@/components/ui/page";
import { Summary } from "@/components/ui/summary";
import { safePath } from "@/lib/account/way-back";
import { entrance } from "@/lib/bff/entrance";

export const metadata: Metadata = { title: "Sign in" };

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

const LINK = "font-medium text-accent underline underline-offset-2";

export default async function SignInPage({ searchParams }: Props) {
  const asked = await searchParams;
  const next = safePath(typeof asked.next === "string" ? asked.next : null);
  const door = await entrance();
  if (door === null) {
    return (
      <Page title="Sign in">
        <Notice tone="bad">DrumScribe cannot be reached right now. Reload the page in a moment.</Notice>
      </Page>
    );
  }
  if (door.auth_mode === "none") redirect(next);
  const hasAccounts = door.auth_mode === "jwt";
  return (
    <Page
      title={hasAccounts ? "Sign in" : "Enter your API key"}
      lead={
        hasAccounts
          ? "DrumScribe writes the drum part of any song. Your songs and scores are kept with your account."
          : "Whoever runs this DrumScribe gives out keys; one of them opens it in this browser."
      }
    >
      <div className="max-w-md space-y-4">
        {asked.ended !== undefined && (
          <Notice>{hasAccounts ? "You were signed out, because your session has ended." : "Your key does not open this any more."} Once you are in again, you are back where you were.</Notice>
        )}
        {asked.deleted !== undefined && <Notice>Your account is deleted, with all its songs, scores and keys.</Notice>}
        {process.env.NEXT_PUBLIC_API_URL && (
          <Notice tone="bad">
            This web app was built to let browsers ask the API directly (NEXT_PUBLIC_API_URL). Whoever runs it must leave that empty where one
            has to sign in.
          </Notice>
        )}
        <section aria-label={hasAccounts ? "Account" : "API key"} className="card p-4 sm:p-6">
          {hasAccounts ? <PasswordForm next={next} /> : <KeyForm next={next} />}
        </section>
        {hasAccounts && (
          <>
            {door.allows_signup ? (
              <p>
                No account yet?{" "}
                <Link className={LINK} href={next === "/" ? "/sign-up" : `/sign-up?${new URLSearchParams({ next })}`}>
                  Make one
                </Link>
              </p>
            ) : (
              <p className="text-soft">New accounts are made by whoever runs this server.</p>
            )}
            <details className="card group">
              <Summary className="px-4 sm:px-6">Use an API key instead</Summary>
              <div className="px-4 pt-2 pb-6 sm:px-6">
                <KeyForm next={next} />
              </div>
            </details>
            {door.oidc_issuer && (
              <p className="text-sm text-soft wrap-anywhere">
                Accounts of {door.oidc_issuer} are for programs that bring their own token: they cannot sign in on this page. Make an API key with
                such a program, and use it here.
              </p>
            )}
          </>
        )}
      </div>
    </Page>
  );
}
