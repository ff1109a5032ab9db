import { notFound } from "next/navigation";

import { Lab } from "./lab";

/** For developers: the score page of any finished job, `/lab?job=…`. It does not exist in production. */
export default async function LabPage({ searchParams }: { searchParams: Promise<{ job?: string }> }) {
  const { job } = await searchParams;
  if (process.env.NODE_ENV === "production" && process.env.LAB !== "1") notFound();
  return job ? <Lab job={job} /> : <p>Add ?job=…</p>;
}
