"use server";

import { redirect } from "next/navigation";

import { keepSession } from "@/lib/account/current";
import { emailObjection, formState, type FormState, typed } from "@/lib/account/form";
import { safePath } from "@/lib/account/way-back";
import { getMe, signIn } from "@/lib/api/calls";
import { asProblem } from "@/lib/api/problem";
import { apiFor } from "@/lib/api/server";
import { accountSession, keySession } from "@/lib/bff/session";

/** Sign in with e-mail and password, and go where one wanted to go. */
export async function signInWithPassword(_before: FormState, form: FormData): Promise<FormState> {
  const email = typed(form, "email").trim();
  const password = typed(form, "password");
  const objection = emailObjection(email);
  if (objection) return { fields: { email: objection }, kept: { email } };
  if (password === "") return { fields: { password: "Write your password." }, kept: { email } };
  try {
    await keepSession(accountSession(await signIn(await apiFor(null), { email, password })));
  } catch (error) {
    return formState(asProblem(error), ["email", "password"], { email });
  }
  redirect(safePath(typed(form, "next")));
}

/** Use an API key in this browser, if the server takes it. */
export async function signInWithKey(_before: FormState, form: FormData): Promise<FormState> {
  const key = typed(form, "key").trim();
  if (!/^ds_live_[0-9A-Za-z]{43}$/.test(key)) {
    return { fields: { key: "This is no key of DrumScribe. Keys begin with ds_live_ and are 51 characters long." } };
  }
  const session = keySession(key, "");
  try {
    const me = await getMe(await apiFor(session));
    if (!me.is_admin && !me.scopes.includes("jobs:read")) {
      return { fields: { key: "This key may not read songs. Ask for one with the scope jobs:read." } };
    }
    await keepSession({ ...session, id: me.identifier });
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status === 401) return { fields: { key: "The server does not take this key: it is wrong, has ended or was revoked." } };
    return formState(problem, ["key"]);
  }
  redirect(safePath(typed(form, "next")));
}
