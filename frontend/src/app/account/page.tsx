import type { Metadata } from "next";
import { redirect } from "next/navigation";

import { Keys } from "@/components/account/keys";
import { ChangePassword, DeleteAccount } from "@/components/account/own-account";
import { Button } from "@/components/ui/button";
import { Page } from "@/components/ui/page";
import { heldSession } from "@/lib/account/current";
import { scopeName } from "@/lib/account/keys";
import { getMe, listKeys } from "@/lib/api/calls";
import { apiForRequest } from "@/lib/api/server";
import { entrance } from "@/lib/bff/entrance";

import { leave } from "./actions";

export const metadata: Metadata = { title: "Account" };

export default async function AccountPage() {
  const door = await entrance();
  if (door?.auth_mode === "none") redirect("/settings");
  const api = await apiForRequest();
  const [me, held] = [await getMe(api), await heldSession()];
  const byKey = held?.kind === "key";
  const { user } = me;
  const ownsKeys = user !== null && (me.is_admin || me.scopes.includes("keys:write"));
  const keys = ownsKeys ? await listKeys(api) : [];
  return (
    <Page
      title={byKey ? "API key" : user?.name || user?.email || "Account"}
      lead={byKey ? "This browser is in with an API key." : user?.name ? user.email : undefined}
      actions={
        <form action={leave}>
          <Button type="submit">{byKey ? "Remove the key from this browser" : "Sign out"}</Button>
        </form>
      }
    >
      <div className="space-y-4">
        {byKey && (
          <section aria-label="The key" className="card p-4 sm:p-6">
            <p>
              <code>{held.name}</code>
              {user && <> of {user.email ?? user.name}</>}
            </p>
            <p className="mt-1 text-sm text-soft">It may: {me.scopes.map(scopeName).join(" · ")}.</p>
            {!me.is_admin && !me.scopes.includes("jobs:write") && <p className="mt-1 text-sm">With it songs can be looked at, not sent or changed.</p>}
          </section>
        )}
        {ownsKeys && <Keys keys={keys} isAdmin={me.is_admin} now={new Date().toISOString()} />}
        {!byKey && user?.has_password && door && (
          <>
            <ChangePassword email={user.email} shortest={door.shortest_password} />
            <DeleteAccount />
          </>
        )}
      </div>
    </Page>
  );
}
