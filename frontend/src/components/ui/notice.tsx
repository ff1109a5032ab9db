import { CircleAlert, Info } from "lucide-react";
import type { ReactNode } from "react";

type Props = { tone?: "bad" | "info"; title?: string; children: ReactNode; id?: string };

/** Something that has to be said; bad news is read out at once. */
export function Notice({ tone = "info", title, children, id }: Props) {
  const isBad = tone === "bad";
  const Sign = isBad ? CircleAlert : Info;
  return (
    <div id={id} role={isBad ? "alert" : "status"} className={`flex gap-3 rounded-lg p-3 text-[0.9375rem] ${isBad ? "bg-bad-wash" : "bg-wash"}`}>
      <Sign aria-hidden className={`mt-0.5 size-[1.125rem] shrink-0 ${isBad ? "text-bad" : "text-accent"}`} />
      <div className="min-w-0 space-y-1 wrap-anywhere">
        {title && <p className="font-semibold">{title}</p>}
        {children}
      </div>
    </div>
  );
}
