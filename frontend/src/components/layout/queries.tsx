"use client";

import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

import { noteProblem } from "@/lib/account/signed-out";
import { asProblem } from "@/lib/api/problem";

/** What the server said, kept for the whole app. */
export function Queries({ children }: { children: ReactNode }) {
  const [client] = useState(
    () =>
      new QueryClient({
        queryCache: new QueryCache({ onError: (error) => noteProblem(asProblem(error)) }),
        mutationCache: new MutationCache({ onError: (error) => noteProblem(asProblem(error)) }),
        defaultOptions: {
          queries: {
            staleTime: 5_000,
            retry: (count, error) => {
              const problem = asProblem(error);
              return count < 3 && (problem.retryable || problem.status >= 500);
            },
          },
        },
      }),
  );
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}
