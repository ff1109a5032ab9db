"use client";

import { Share2 } from "lucide-react";
import dynamic from "next/dynamic";
import { useState } from "react";

import { Button } from "@/components/ui/button";

const ShareDialog = dynamic(() => import("./share-dialog").then((module) => module.ShareDialog), { ssr: false });

type Props = { jobId: string; title: string; small?: boolean };

/** Opens the links of a finished song. */
export function ShareButton({ jobId, title, small = false }: Props) {
  const [isOpen, setOpen] = useState(false);
  const look = small ? ({ look: "quiet", className: "px-3 text-soft", "aria-label": `Share ${title}` } as const) : {};
  return (
    <>
      <Button aria-haspopup="dialog" onClick={() => setOpen(true)} {...look}>
        <Share2 aria-hidden />
        {!small && "Share"}
      </Button>
      {isOpen && <ShareDialog jobId={jobId} title={title} onClose={() => setOpen(false)} />}
    </>
  );
}
