import Link from "next/link";
import type { ComponentProps } from "react";

export type Look = "primary" | "plain" | "quiet" | "danger";

const BASE =
  "inline-flex min-h-11 items-center justify-center gap-2 rounded-lg px-4 text-[0.9375rem] font-medium whitespace-nowrap " +
  "transition-colors disabled:opacity-55 [&_svg]:size-[1.125rem] [&_svg]:shrink-0";

const LOOKS: Record<Look, string> = {
  primary: "bg-accent text-on-accent hover:not-disabled:bg-accent/90",
  plain: "border border-edge bg-sheet hover:not-disabled:bg-sunk",
  quiet: "hover:not-disabled:bg-sunk",
  danger: "border border-bad text-bad hover:not-disabled:bg-bad-wash",
};

type Shared = { look?: Look };

export const buttonClass = (look: Look, extra = ""): string => `${BASE} ${LOOKS[look]} ${extra}`;

export function Button({ look = "plain", className, type = "button", ...rest }: ComponentProps<"button"> & Shared) {
  return <button type={type} className={buttonClass(look, className)} {...rest} />;
}

export function ButtonLink({ look = "plain", className, ...rest }: ComponentProps<typeof Link> & Shared) {
  return <Link className={buttonClass(look, className)} {...rest} />;
}
