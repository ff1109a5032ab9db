import { Download } from "lucide-react";

import { address } from "@/lib/api/browser";
import type { JobResult } from "@/lib/api/types";
import { FORMATS } from "@/lib/jobs/formats";

/** Everything that the song can be taken home as. */
export function Downloads({ result }: { result: JobResult }) {
  const paths = { ...result.stems, ...result.downloads };
  return (
    <section aria-labelledby="downloads-title" className="card mb-4 p-4 sm:p-6">
      <h2 id="downloads-title" className="mb-2 text-lg font-semibold">
        Downloads
      </h2>
      <ul className="grid gap-x-8 sm:grid-cols-2 xl:grid-cols-3">
        {FORMATS.filter(({ format }) => paths[format]).map(({ format, name, purpose }) => (
          <li key={format}>
            <a href={address(paths[format] ?? "")} download className="flex min-h-12 items-center gap-3 rounded-lg py-1 hover:text-accent">
              <Download aria-hidden className="size-[1.125rem] shrink-0 text-accent" />
              <span>
                <span className="font-medium">{name}</span> <span className="text-sm text-soft">{purpose}</span>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
