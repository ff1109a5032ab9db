import type { Metadata } from "next";
import { notFound } from "next/navigation";

import { Embedded } from "@/components/shared/embedded";
import { loadShared } from "@/components/shared/load-shared";
import { titleOf } from "@/components/shared/shared-page";

type Props = PageProps<"/embed/[token]">;

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const shared = await loadShared((await params).token);
  return { title: shared ? `${titleOf(shared)}, drum sheet music` : "Nothing to see", robots: { index: false, follow: false } };
}

export default async function EmbeddedPage({ params }: Props) {
  const { token } = await params;
  const shared = await loadShared(token);
  if (!shared) notFound();
  return <Embedded token={token} shared={shared} />;
}
