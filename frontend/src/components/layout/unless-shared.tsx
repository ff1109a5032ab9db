"use client";

import { usePathname } from "next/navigation";
import type { ReactNode } from "react";

/** What surrounds the pages of this app, and is left out where a score is shown to somebody who was sent a link. */
export function UnlessShared({ children }: { children: ReactNode }) {
  return /^\/(s|embed)\//.test(usePathname()) ? null : children;
}
