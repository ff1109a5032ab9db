"use client";

import dynamic from "next/dynamic";

/** The corrections, loaded once somebody wants to correct. */
export const LazyEditor = dynamic(() => import("./editor").then(({ Editor }) => Editor), {
  ssr: false,
  loading: () => (
    <p role="status" className="card p-4 text-soft xl:w-[38rem]">
      Opening the corrections …
    </p>
  ),
});
