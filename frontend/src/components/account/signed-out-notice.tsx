"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleAlert } from "lucide-react";
import { usePathname } from "next/navigation";
import { useEffect, useSyncExternalStore } from "react";

import { buttonClass } from "@/components/ui/button";
import { noteSignedIn, signedOut, subscribe } from "@/lib/account/signed-out";
import { signInAddress } from "@/lib/account/way-back";
import { api } from "@/lib/api/browser";
import { getMe } from "@/lib/api/calls";

const ASK_AGAIN_MS = 5000;

/** Stands over the page once its session has ended, and leads to the sign-in and back. A tab beside this one will do as well. */
export function SignedOutNotice() {
  const path = usePathname();
  const isOut = useSyncExternalStore(subscribe, signedOut, () => false);
  const queries = useQueryClient();
  const me = useQuery({
    queryKey: ["me"],
    queryFn: ({ signal }) => getMe(api, signal),
    enabled: isOut,
    retry: false,
    staleTime: 0,
    gcTime: 0,
    refetchInterval: ASK_AGAIN_MS, // not while the tab is hidden; and at once when it is looked at again
  });
  useEffect(() => {
    if (!isOut || !me.isSuccess) return;
    noteSignedIn();
    void queries.invalidateQueries();
  }, [isOut, me.isSuccess, queries]);
  if (!isOut || path.startsWith("/sign-")) return null;
  const address = signInAddress(path, true);
  return (
    <div role="alert" className="no-print sticky top-0 z-40 border-b border-line bg-bad-wash">
      <div className="mx-auto flex max-w-6xl flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2 sm:px-6">
        <CircleAlert aria-hidden className="size-5 shrink-0 text-bad" />
        <p className="min-w-56 flex-1 text-[0.9375rem]">
          <strong>You have been signed out.</strong> What you see here stays. If something is not saved yet, sign in in a new tab and come back.
        </p>
        <a className={buttonClass("plain")} href={address} target="_blank" rel="noopener">
          Sign in in a new tab
        </a>
        <a className={buttonClass("primary")} href={address}>
          Sign in here
        </a>
      </div>
    </div>
  );
}
