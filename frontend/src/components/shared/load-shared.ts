import "server-only";

import { cache } from "react";

import { getShared } from "@/lib/api/calls";
import { asProblem } from "@/lib/api/problem";
import { apiFor } from "@/lib/api/server";
import type { Shared } from "@/lib/api/types";

/** What a link shows; null if that is nothing. Asked once for a page and its title. */
export const loadShared = cache(async (token: string): Promise<Shared | null> => {
  try {
    return await getShared(await apiFor(null), token);
  } catch (error) {
    if (asProblem(error).status === 404) return null;
    throw error;
  }
});
