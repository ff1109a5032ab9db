// Whether the server has refused this page's session. Nothing is taken from the page: what was typed or is being sent stays.
import { type Problem, SIGNED_OUT } from "@/lib/api/problem";

let isSignedOut = false;
const listeners = new Set<() => void>();

function set(value: boolean): void {
  if (isSignedOut === value) return;
  isSignedOut = value;
  for (const listener of listeners) listener();
}

/** Take note of what a request came to. */
export function noteProblem({ code }: Pick<Problem, "code">): void {
  if (code === SIGNED_OUT.code) set(true);
}

/** The same for what an action of the server answered; nothing, if it led to another page. */
export function noteAnswer(answer: { code?: string } | null | undefined): void {
  if (answer?.code) noteProblem({ code: answer.code });
}

export const noteSignedIn = (): void => set(false);

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const signedOut = (): boolean => isSignedOut;
