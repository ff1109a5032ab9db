"use client";

import { Play } from "lucide-react";
import { useActionState } from "react";

import { type FormState, transcribeDemo } from "@/app/actions";
import { Button } from "@/components/ui/button";
import { noteAnswer } from "@/lib/account/signed-out";

/** The demo song, one click away. */
export function DemoButton() {
  const [state, start, isStarting] = useActionState<FormState, FormData>(async () => {
    const answer = await transcribeDemo();
    noteAnswer(answer);
    return answer;
  }, null);
  return (
    <form action={start} className="max-sm:w-full">
      <Button type="submit" disabled={isStarting} className="max-sm:w-full">
        <Play aria-hidden />
        {isStarting ? "Starting…" : "Try the demo song"}
      </Button>
      {state && (
        <p role="alert" className="mt-2 text-sm text-bad">
          {state.message}
        </p>
      )}
    </form>
  );
}
