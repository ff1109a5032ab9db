"use server";

import { redirect } from "next/navigation";

import { keepSession } from "@/lib/account/current";
import { emailObjection, formState, type FormState, passwordObjection, typed } from "@/lib/account/form";
import { safePath } from "@/lib/account/way-back";
import { register } from "@/lib/api/calls";
import { asProblem } from "@/lib/api/problem";
import { apiFor } from "@/lib/api/server";
import { entrance } from "@/lib/bff/entrance";
import { accountSession } from "@/lib/bff/session";

/** Make an account, and go where one wanted to go. */
export async function signUp(_before: FormState, form: FormData): Promise<FormState> {
  const kept = { name: typed(form, "name").trim(), email: typed(form, "email").trim() };
  const password = typed(form, "password");
  const door = await entrance();
  const fields: Record<string, string> = {};
  const email = emailObjection(kept.email);
  if (email) fields.email = email;
  const weak = passwordObjection(password, door?.shortest_password ?? 1, door?.longest_password ?? Infinity);
  if (weak) fields.password = weak;
  if (Object.keys(fields).length > 0) return { fields, kept };
  try {
    await keepSession(accountSession(await register(await apiFor(null), { ...kept, password })));
  } catch (error) {
    return formState(asProblem(error), ["name", "email", "password"], kept);
  }
  redirect(safePath(typed(form, "next")));
}
