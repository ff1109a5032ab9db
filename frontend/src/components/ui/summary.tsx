import { ChevronRight } from "lucide-react";
import type { ReactNode } from "react";

/** What opens a `details` (of the class `group`): a line with an arrow that turns. */
export function Summary({ children, className = "" }: { children: ReactNode; className?: string }) {
  return (
    <summary className={`flex min-h-12 list-none items-center gap-2 rounded-xl font-medium [&::-webkit-details-marker]:hidden ${className}`}>
      <ChevronRight aria-hidden className="size-[1.125rem] shrink-0 transition-transform group-open:rotate-90" />
      {children}
    </summary>
  );
}
