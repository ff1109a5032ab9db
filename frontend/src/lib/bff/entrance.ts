// How one gets in: asked of the API, and remembered for a while.
import type { Entrance } from "@/lib/api/types";

import { upstream } from "./upstream";

const FRESH_MS = 60_000;
const TIMEOUT_MS = 3_000;

type Known = { at: number; from: string; entrance: Promise<Entrance | null> };

const shared = globalThis as typeof globalThis & { drumscribeEntrance?: Known };

async function ask(): Promise<Entrance | null> {
  try {
    const answer = await fetch(`${upstream()}/api/v1/auth`, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    return answer.ok ? ((await answer.json()) as Entrance) : null;
  } catch {
    return null;
  }
}

/** What the API says about signing in; null while it cannot be reached. */
export async function entrance(): Promise<Entrance | null> {
  const known = shared.drumscribeEntrance;
  if (known && known.from === upstream() && Date.now() - known.at < FRESH_MS) return known.entrance;
  const asked = { at: Date.now(), from: upstream(), entrance: ask() };
  shared.drumscribeEntrance = asked;
  const found = await asked.entrance;
  if (found === null && shared.drumscribeEntrance === asked) shared.drumscribeEntrance = undefined;
  return found;
}
