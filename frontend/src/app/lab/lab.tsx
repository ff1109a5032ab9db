"use client";

import { useQuery } from "@tanstack/react-query";

import { LazyScorePage } from "@/components/score/score-page-lazy";
import { downloadAddress } from "@/lib/api/browser";
import { readText } from "@/lib/api/recordings";
import type { Job, JobResult } from "@/lib/api/types";

export function Lab({ job: id }: { job: string }) {
  const { data } = useQuery({
    queryKey: ["lab", id],
    queryFn: async () => ({
      job: JSON.parse(await readText(`/api/v1/jobs/${id}`)) as Job,
      result: JSON.parse(await readText(`/api/v1/jobs/${id}/result`)) as JobResult,
    }),
  });
  if (!data) return null;
  const at = (format: string) => downloadAddress(id, format);
  const urls = { musicxml: at("musicxml"), score: at("score"), svg: at("svg"), ...data.result.stems };
  return (
    <main id="content" className="px-4 py-4">
      <LazyScorePage job={data.job} result={data.result} urls={urls} />
    </main>
  );
}
