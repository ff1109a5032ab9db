import { ButtonLink } from "@/components/ui/button";
import { Page } from "@/components/ui/page";

export default function NothingShared() {
  return (
    <Page
      title="This score is not shared any more"
      lead="Whoever shared it has taken the link back, or the score has been deleted. It may also be that a part of the address is missing: ask for the link again."
    >
      <ButtonLink look="primary" href="/">
        What is DrumScribe?
      </ButtonLink>
    </Page>
  );
}
