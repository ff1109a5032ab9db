"use server";

import { revalidatePath } from "next/cache";
import { redirect } from "next/navigation";

import { heldSession, keepSession } from "@/lib/account/current";
import { formState, type FormState, passwordObjection, typed } from "@/lib/account/form";
import { LIVES, SCOPES } from "@/lib/account/keys";
import { changePassword, createKey, deleteAccount, revokeKey, signOut } from "@/lib/api/calls";
import { asProblem } from "@/lib/api/problem";
import { apiFor, apiForRequest } from "@/lib/api/server";
import type { NewKey } from "@/lib/api/types";
import { entrance } from "@/lib/bff/entrance";
import { accountSession } from "@/lib/bff/session";

/** Sign out of this browser. If the server cannot be told, its session ends by itself; this browser forgets it in any case. */
export async function leave(): Promise<void> {
  const held = await heldSession();
  await keepSession(null);
  if (held?.kind === "account") {
    await signOut(await apiFor(null), held.refresh).catch((error: unknown) => console.error("sign_out_not_told", error));
  }
  redirect("/sign-in");
}

/** Change the password; all other sessions end. */
export async function setPassword(_before: FormState, form: FormData): Promise<FormState> {
  const door = await entrance();
  const chosen = typed(form, "new_password");
  if (typed(form, "password") === "") return { fields: { password: "Write the password that you have now." } };
  const weak = passwordObjection(chosen, door?.shortest_password ?? 1, door?.longest_password ?? Infinity);
  if (weak) return { fields: { new_password: weak } };
  try {
    await keepSession(accountSession(await changePassword(await apiForRequest(), typed(form, "password"), chosen)));
  } catch (error) {
    return formState(asProblem(error), ["password", "new_password"]);
  }
  return { done: "Your password is changed. All other browsers and devices are signed out." };
}

/** Delete the account with everything in it. */
export async function closeAccount(_before: FormState, form: FormData): Promise<FormState> {
  if (form.get("sure") !== "on") return { fields: { sure: "Tick this to go on." } };
  if (typed(form, "password") === "") return { fields: { password: "Write your password." } };
  try {
    await deleteAccount(await apiForRequest(), typed(form, "password"));
    await keepSession(null);
  } catch (error) {
    return formState(asProblem(error), ["password"]);
  }
  redirect("/sign-in?deleted=1");
}

export type KeyState = { made?: NewKey; problem?: FormState; kept?: { name: string; life: string } } | null;

/** Make a key. What comes back holds it, this once. */
export async function makeKey(_before: KeyState, form: FormData): Promise<KeyState> {
  const kept = { name: typed(form, "name").trim(), life: typed(form, "life") };
  const scopes = SCOPES.filter((scope) => form.getAll("scopes").includes(scope));
  if (kept.name === "") return { problem: { fields: { name: "Say what the key is for, to know it again later." } }, kept };
  if (scopes.length === 0) return { problem: { fields: { scopes: "Choose at least one thing that the key may do." } }, kept };
  const days = LIVES.find(({ id }) => id === kept.life)?.days ?? null;
  const expires_at = days === null ? null : new Date(Date.now() + days * 86_400_000).toISOString();
  try {
    const made = await createKey(await apiForRequest(), { name: kept.name, scopes, expires_at });
    revalidatePath("/account");
    return { made };
  } catch (error) {
    return { problem: formState(asProblem(error), ["name", "scopes"]), kept };
  }
}

/** Let a key open nothing from now on. */
export async function endKey(_before: FormState, form: FormData): Promise<FormState> {
  try {
    await revokeKey(await apiForRequest(), typed(form, "id"));
  } catch (error) {
    const problem = asProblem(error);
    if (problem.code !== "key_not_found") return formState(problem, []);
  }
  revalidatePath("/account");
  return null;
}
