import { FileAudio, X } from "lucide-react";

import { Bar } from "@/components/ui/bar";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { clock, megabytes } from "@/lib/format";

import { Preview } from "./preview";
import type { UploadState } from "./use-upload";

type Props = {
  file: File;
  seconds: number | null;
  problem: string | null;
  state: UploadState;
  onStart: () => void;
  onStop: () => void;
  onForget: () => void;
};

/** The recording that was chosen: what it is, whether it fits, and how much of it has been sent. */
export function ChosenFile({ file, seconds, problem, state, onStart, onStop, onForget }: Props) {
  const isSending = state.name === "sending";
  const isFinal = state.name === "failed" && state.advice !== null;
  const facts = [megabytes(file.size), seconds === null ? null : clock(seconds)].filter(Boolean).join(" · ");
  return (
    <div className="flex min-h-52 flex-1 flex-col justify-between gap-4">
      <div className="flex items-start gap-3">
        <FileAudio aria-hidden className="mt-1 size-6 shrink-0 text-accent" strokeWidth={1.5} />
        <div className="min-w-0 flex-1">
          <p className="font-medium wrap-anywhere">{file.name}</p>
          <p className="figures text-sm text-soft">{facts}</p>
        </div>
        {!isSending && (
          <Button look="quiet" className="-mt-2 -mr-2 px-3" onClick={onForget} aria-label="Choose another file">
            <X aria-hidden />
          </Button>
        )}
      </div>
      {!problem && !isSending && <Preview file={file} />}
      {problem && <Notice tone="bad">{problem}</Notice>}
      {state.name === "failed" && (
        <Notice tone="bad" title="The song was not sent">
          <p>{state.message}</p>
          {state.advice && <p>{state.advice}</p>}
        </Notice>
      )}
      {isSending ? (
        <div className="space-y-3">
          <p className="figures flex justify-between text-sm" aria-hidden>
            <span>{state.part < 1 ? "Sending the song" : "Sent; starting"}</span>
            <span>{Math.floor(state.part * 100)} %</span>
          </p>
          <Bar value={state.part * 100} label="Sending the song" />
          <Button onClick={onStop}>Stop</Button>
        </div>
      ) : (
        !problem && (
          <Button look="primary" className="w-full" onClick={isFinal ? onForget : onStart} autoFocus>
            {isFinal ? "Try another file" : state.name === "failed" ? "Send again" : "Write the drum part"}
          </Button>
        )
      )}
    </div>
  );
}
