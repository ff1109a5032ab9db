import type { ProblemBody } from "./types";

/** Why the server refused, or could not be reached: a code for programs and a sentence for people. */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly retryable: boolean;
  readonly fields: { field: string; message: string }[];
  readonly retryAfter: number | null;

  constructor(body: Partial<ProblemBody> & { code: string; detail: string }, retryAfter: number | null = null) {
    super(body.detail);
    this.name = "Problem";
    this.code = body.code;
    this.status = body.status ?? 0;
    this.retryable = body.retryable ?? false;
    this.fields = body.errors ?? [];
    this.retryAfter = retryAfter;
  }
}

export const UNREACHABLE: ProblemBody = {
  type: "urn:drumscribe:problem:unreachable",
  title: "The server cannot be reached",
  status: 503,
  detail: "DrumScribe cannot be reached right now. Check your connection and try again in a moment.",
  instance: "",
  code: "unreachable",
  retryable: true,
};

/** The server speaks to programs there, of headers and tokens. */
export const SIGNED_OUT = { code: "unauthenticated", detail: "You have been signed out. Sign in again to go on." } as const;

function isProblemBody(value: unknown): value is ProblemBody {
  return typeof value === "object" && value !== null && "code" in value && "detail" in value;
}

/** The problem that an answer tells of, whatever its body is. */
export function problemOf(status: number, body: unknown, retryAfter?: string | null): Problem {
  const wait = Number(retryAfter);
  const seconds = retryAfter && Number.isFinite(wait) ? wait : null;
  if (status === 401 && isProblemBody(body) && body.code === SIGNED_OUT.code) return new Problem({ ...body, ...SIGNED_OUT, status });
  if (isProblemBody(body)) return new Problem({ ...body, status }, seconds);
  return new Problem({ ...UNREACHABLE, status }, seconds);
}

/** Any thrown value as a problem. */
export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(UNREACHABLE);
}
