"use client";

import { Search } from "lucide-react";
import { useState } from "react";

import { Button, ButtonLink } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import type { JobList } from "@/lib/api/types";

import { Song } from "./song";
import { useSongs } from "./use-songs";

type Props = { first: JobList; now: string };

/** Every song that was sent, to find, rename and delete. */
export function Songs({ first, now }: Props) {
  const [typed, setTyped] = useState("");
  const { songs, q, error, hasNextPage, fetchNextPage, isFetchingNextPage, isPlaceholderData } = useSongs(first, typed);
  if (q === "" && typed === "" && songs.length === 0 && !error) return <EmptyLibrary />;
  return (
    <>
      <div role="search" className="relative mb-4">
        <Search aria-hidden className="absolute top-3 left-3 size-5 text-soft" />
        <input
          type="search"
          aria-label="Search your songs"
          placeholder="Search by title or file name"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          className="control pl-10"
        />
      </div>
      {error && <Notice tone="bad">{error.message}</Notice>}
      <p role="status" className="sr-only">
        {q !== "" && !isPlaceholderData && `${songs.length}${hasNextPage ? " or more" : ""} found`}
      </p>
      {songs.length === 0 && !error ? (
        <p className="card p-6 text-soft">No song of yours is called “{q || typed}”.</p>
      ) : (
        <ul aria-label="Songs" className={`card divide-y divide-line ${isPlaceholderData ? "opacity-60" : ""}`}>
          {songs.map((job) => (
            <Song key={job.id} job={job} now={now} />
          ))}
        </ul>
      )}
      {hasNextPage && (
        <Button className="mt-4 w-full" onClick={() => void fetchNextPage()} disabled={isFetchingNextPage}>
          {isFetchingNextPage ? "Loading…" : "Show older songs"}
        </Button>
      )}
    </>
  );
}

function EmptyLibrary() {
  return (
    <div className="card p-6 sm:p-10">
      <h2 className="text-lg font-semibold">No songs yet</h2>
      <p className="mt-1 mb-5 text-soft">Every song that you send is listed here for as long as its score is kept.</p>
      <ButtonLink look="primary" href="/">
        Send the first one
      </ButtonLink>
    </div>
  );
}
