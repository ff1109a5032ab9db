import type { Metadata } from "next";

import { Songs } from "@/components/library/songs";
import { Page } from "@/components/ui/page";
import { listJobs } from "@/lib/api/calls";
import { apiForRequest } from "@/lib/api/server";
import { PAGE_SIZE } from "@/lib/jobs/keys";

export const metadata: Metadata = { title: "Library" };

export default async function LibraryPage() {
  const first = await listJobs(await apiForRequest(), { limit: PAGE_SIZE });
  return (
    <Page title="Library">
      <Songs first={first} now={new Date().toISOString()} />
    </Page>
  );
}
