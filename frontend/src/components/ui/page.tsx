import type { ReactNode } from "react";

type Props = { title: string; lead?: ReactNode; children: ReactNode; actions?: ReactNode };

/** A page with its title. */
export function Page({ title, lead, children, actions }: Props) {
  return (
    <main id="content" tabIndex={-1} className="mx-auto w-full max-w-6xl px-4 py-8 outline-none sm:px-6 sm:py-12">
      <div className="max-w-4xl">
      <div className="mb-6 flex flex-wrap items-end justify-between gap-4">
        <div className="min-w-0">
          <h1 className="font-title text-3xl font-semibold wrap-anywhere">{title}</h1>
          {lead && <div className="mt-2 text-soft">{lead}</div>}
        </div>
        {actions}
      </div>
      {children}
      </div>
    </main>
  );
}
