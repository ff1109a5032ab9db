import type { Key } from "@/lib/api/types";
import { remaining, since } from "@/lib/format";
import { scopeName } from "@/lib/account/keys";

import { NewKeyForm } from "./new-key-form";
import { RevokeKey } from "./revoke-key";

type Props = { keys: Key[]; isAdmin: boolean; now: string };

/** The keys of an account: those in force, and a way to another. */
export function Keys({ keys, isAdmin, now }: Props) {
  return (
    <section aria-labelledby="keys-title" className="card p-4 sm:p-6">
      <h2 id="keys-title" className="text-lg font-semibold">
        API keys
      </h2>
      <p className="mt-1 text-sm text-soft">For programs that work for you: scripts, a band’s website, the command line. Each may only do what you allow it.</p>
      {keys.length > 0 && (
        <ul aria-label="Keys in force" className="mt-4 divide-y divide-line border-y border-line">
          {keys.map((key) => (
            <li key={key.id} className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2 py-3">
              <div className="min-w-0">
                <p className="font-medium wrap-anywhere">{key.name || "Unnamed"}</p>
                <p className="figures text-sm text-soft">
                  <code>{key.prefix}…</code> · {key.last_used_at ? `used ${since(key.last_used_at, Date.parse(now))}` : "never used"} ·{" "}
                  {key.expires_at ? `ends ${remaining(key.expires_at, Date.parse(now))}` : "holds until revoked"}
                </p>
                <p className="text-sm text-soft">{key.scopes.map(scopeName).join(" · ")}</p>
              </div>
              <RevokeKey id={key.id} name={key.name || key.prefix} />
            </li>
          ))}
        </ul>
      )}
      <NewKeyForm isAdmin={isAdmin} />
    </section>
  );
}
