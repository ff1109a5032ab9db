"use client";

import dynamic from "next/dynamic";

/** The score page, loaded apart: engraver and player are large and nothing before this page needs them. */
export const LazyScorePage = dynamic(() => import("./score-page").then(({ ScorePage }) => ScorePage), {
  ssr: false,
  loading: () => (
    <p role="status" className="p-8 text-center text-soft">
      Opening the score …
    </p>
  ),
});
