import type { Metadata } from "next";
import { notFound } from "next/navigation";

import { loadShared } from "@/components/shared/load-shared";
import { SharedPage, titleOf } from "@/components/shared/shared-page";

type Props = PageProps<"/s/[token]">;

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const shared = await loadShared((await params).token);
  const robots = { index: false, follow: false };
  if (!shared) return { title: "Nothing to see", robots };
  const title = `${titleOf(shared)}, drum sheet music`;
  const description = "A drum score to read, to play along with and to print. Made with DrumScribe.";
  return { title, description, robots, openGraph: { title, description, siteName: "DrumScribe", type: "article" } };
}

export default async function SharedScorePage({ params }: Props) {
  const { token } = await params;
  const shared = await loadShared(token);
  if (!shared) notFound();
  return <SharedPage token={token} shared={shared} />;
}
