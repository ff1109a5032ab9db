// What can be said of an API key.
import type { KeyScope } from "@/lib/api/types";

export const SCOPES: readonly KeyScope[] = ["jobs:read", "jobs:write", "keys:write", "admin"];

export const SCOPE_NAMES: Record<KeyScope, string> = {
  "jobs:read": "See songs and scores",
  "jobs:write": "Send, correct and delete songs",
  "keys:write": "Make and revoke keys",
  admin: "See and stop the songs of everybody",
};

export const scopeName = (scope: string): string => SCOPE_NAMES[scope as KeyScope] ?? scope;

/** How long a key may hold. */
export const LIVES = [
  { id: "30", name: "30 days", days: 30 },
  { id: "90", name: "90 days", days: 90 },
  { id: "365", name: "One year", days: 365 },
  { id: "never", name: "Until it is revoked", days: null },
] as const;
