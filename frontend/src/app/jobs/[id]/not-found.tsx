import { ButtonLink } from "@/components/ui/button";
import { Page } from "@/components/ui/page";

export default function NoSuchJob() {
  return (
    <Page title="There is no such song" lead="It was deleted, or its address is not complete. Songs are kept for a limited time only.">
      <div className="flex flex-wrap gap-3">
        <ButtonLink look="primary" href="/">
          Send a song
        </ButtonLink>
        <ButtonLink href="/library">Look in the library</ButtonLink>
      </div>
    </Page>
  );
}
