"use client";

import { useState } from "react";

import { Notice } from "@/components/ui/notice";
import type { JobOptions, Limits } from "@/lib/api/types";
import { durationOf, objection } from "@/lib/jobs/recording";

import { ChosenFile } from "./chosen-file";
import { DropZone } from "./drop-zone";
import { useUpload } from "./use-upload";

type Props = { limits: Limits; options: () => JobOptions; mayStart: () => boolean };
type Chosen = { file: File; seconds: number | null; problem: string | null };

/** Choose or drop a recording, see that it fits, send it. */
export function FilePanel({ limits, options, mayStart }: Props) {
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [remark, setRemark] = useState<string | null>(null);
  const { state, start, stop, reset } = useUpload();

  async function choose(files: readonly File[]) {
    const file = files[0];
    if (!file) return;
    reset();
    setRemark(files.length > 1 ? `One song at a time: taking “${file.name}”.` : null);
    const problem = objection(file, null, limits);
    setChosen({ file, seconds: null, problem });
    if (problem) return;
    const seconds = await durationOf(file);
    setChosen((now) => (now?.file === file ? { file, seconds, problem: objection(file, seconds, limits) } : now));
  }

  function drop() {
    reset();
    setChosen(null);
    setRemark(null);
  }

  return (
    <section aria-labelledby="file-title" className="card flex flex-col p-4 sm:p-6">
      <h2 id="file-title" className="mb-3 text-lg font-semibold">
        From a file
      </h2>
      {chosen ? (
        <ChosenFile
          file={chosen.file}
          seconds={chosen.seconds}
          problem={chosen.problem}
          state={state}
          onStart={() => mayStart() && void start(chosen.file, options())}
          onStop={stop}
          onForget={drop}
        />
      ) : (
        <DropZone limits={limits} onFiles={(files) => void choose(files)} />
      )}
      {remark && <Notice>{remark}</Notice>}
    </section>
  );
}
