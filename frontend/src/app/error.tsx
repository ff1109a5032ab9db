"use client";

import { useEffect } from "react";

import { Button, ButtonLink } from "@/components/ui/button";
import { Page } from "@/components/ui/page";

type Props = { error: Error & { digest?: string }; reset: () => void };

export default function ErrorPage({ error, reset }: Props) {
  useEffect(() => console.error(error), [error]);
  return (
    <Page
      title="DrumScribe cannot be reached"
      lead="This page could not be made. Nothing of yours is lost: songs that were sent are worked on all the same."
    >
      <div className="flex flex-wrap gap-3">
        <Button look="primary" onClick={reset}>
          Try again
        </Button>
        <ButtonLink href="/">To the start page</ButtonLink>
      </div>
      {error.digest && <p className="figures mt-6 text-sm text-soft">For whoever runs this server: {error.digest}</p>}
    </Page>
  );
}
