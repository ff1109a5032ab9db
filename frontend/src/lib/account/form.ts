// What a form of the account pages says after it was sent.
import type { Problem } from "@/lib/api/problem";
import { span } from "@/lib/format";

/** `message` concerns the whole form, `fields` one control each; `kept` is what was typed and is no secret. */
export type FormState = { message?: string; fields?: Record<string, string>; kept?: Record<string, string>; done?: string } | null;

const SENTENCES: Record<string, string> = {
  invalid_credentials: "This e-mail and password do not belong together. Check both, and whether caps lock is on.",
  email_taken: "There is an account with this e-mail already. Sign in instead, or take another.",
  signup_closed: "New accounts are made by whoever runs this server. Ask there.",
  accounts_disabled: "This server has no accounts any more. Reload the page.",
  wrong_password: "This is not your password.",
};

/** The field of the form that a code is about. */
const ABOUT: Record<string, string> = { email_taken: "email", wrong_password: "password" };

/** A problem as the form shows it; `names` are the controls it has. */
export function formState(problem: Problem, names: readonly string[], kept?: Record<string, string>): FormState {
  if (problem.status === 429) {
    const when = problem.retryAfter === null ? "later" : `in ${span(Math.max(1, problem.retryAfter))}`;
    return { message: `There were too many attempts. You can try again ${when}.`, kept };
  }
  const fields: Record<string, string> = {};
  for (const { field, message } of problem.fields) {
    const name = field.split(".").at(-1) ?? "";
    if (names.includes(name)) fields[name] = message;
  }
  const about = ABOUT[problem.code];
  if (about && names.includes(about)) fields[about] = SENTENCES[problem.code] ?? problem.message;
  if (Object.keys(fields).length > 0) return { fields, kept };
  return { message: SENTENCES[problem.code] ?? problem.message, kept };
}

/** What a control holds, as text. */
export const typed = (form: FormData, name: string): string => {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
};

/** Why something is no e-mail address; null if it may be one. The server decides. */
export const emailObjection = (email: string): string | null =>
  /^[^\s@]+@[^\s@]+$/.test(email) ? null : "Write an e-mail address, such as ada@example.com.";

/** Why a new password will not do; null if it will. */
export function passwordObjection(password: string, shortest: number, longest: number): string | null {
  if (password.length < shortest) return `Use at least ${shortest} characters. A few words in a row are easy to keep in mind.`;
  return password.length > longest ? `Use at most ${longest} characters.` : null;
}
