"use client";

import { useState } from "react";

type Props = { address: string; title: string; className?: string; onAll?: (ratio: number) => void };

/** The service's own pages, exactly as in the PDF; a page is asked for once the one before has come. */
export function PrintedPages({ address, title, className = "", onAll }: Props) {
  const [pages, setPages] = useState(1);
  const [last, setLast] = useState<number | null>(null);
  const [ratio, setRatio] = useState(Math.SQRT2);
  const shown = Array.from({ length: Math.min(pages, last ?? pages) }, (_, index) => index + 1);
  return (
    <div className={`printed-pages ${className}`}>
      {shown.map((page) => (
        // eslint-disable-next-line @next/next/no-img-element -- vector pages of unknown size from the service
        <img
          key={page}
          src={`${address}${address.includes("?") ? "&" : "?"}page=${page}`}
          alt={`${title}, page ${page}`}
          className="score-page-image mx-auto w-full max-w-4xl bg-white"
          onLoad={(event) => {
            const { naturalHeight, naturalWidth } = event.currentTarget;
            if (naturalWidth > 0) setRatio(naturalHeight / naturalWidth);
            setPages((known) => Math.max(known, page + 1));
          }}
          onError={() => {
            setLast(page - 1);
            onAll?.(ratio);
          }}
        />
      ))}
    </div>
  );
}
