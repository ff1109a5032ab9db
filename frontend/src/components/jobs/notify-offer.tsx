"use client";

import { Bell } from "lucide-react";

import { Button } from "@/components/ui/button";
import { setNotices } from "@/lib/preferences/notices";
import { useNotices } from "@/lib/preferences/use-notices";

/** Offered while one waits, and never again once it is on or refused. */
export function NotifyOffer() {
  const state = useNotices();
  if (state === "on") return <p className="mt-4 text-sm text-soft">You will be told when the score is ready.</p>;
  if (state !== "off") return null;
  return (
    <Button look="quiet" className="mt-4 -ml-4" onClick={() => void setNotices(true)}>
      <Bell aria-hidden />
      Tell me when it is ready
    </Button>
  );
}
