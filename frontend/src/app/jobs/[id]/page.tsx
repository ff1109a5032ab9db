import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { cache } from "react";

import { JobView } from "@/components/jobs/job-view";
import { getJob } from "@/lib/api/calls";
import { asProblem } from "@/lib/api/problem";
import { apiForRequest } from "@/lib/api/server";
import type { Job } from "@/lib/api/types";

type Props = PageProps<"/jobs/[id]">;

const load = cache(async (id: string): Promise<Job | null> => {
  try {
    return await getJob(await apiForRequest(), id);
  } catch (error) {
    const { status } = asProblem(error);
    if (status === 404 || status === 422) return null;
    throw error;
  }
});

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const job = await load((await params).id);
  return { title: job ? job.title || "Untitled song" : "No such song" };
}

export default async function JobPage({ params }: Props) {
  const job = await load((await params).id);
  if (!job) notFound();
  return <JobView initial={job} serverNow={new Date().toISOString()} />;
}
