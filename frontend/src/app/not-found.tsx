import type { Metadata } from "next";

import { ButtonLink } from "@/components/ui/button";
import { Page } from "@/components/ui/page";

export const metadata: Metadata = { title: "Nothing here" };

export default function NotFound() {
  return (
    <Page title="There is nothing here" lead="The address leads nowhere. It may be old, or a letter may be missing.">
      <ButtonLink look="primary" href="/">
        To the start page
      </ButtonLink>
    </Page>
  );
}
