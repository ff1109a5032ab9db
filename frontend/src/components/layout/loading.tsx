/** The shape of a page while the server is asked for what stands on it. */
export function Loading() {
  return (
    <main id="content" aria-busy className="mx-auto w-full max-w-6xl animate-pulse px-4 py-8 sm:px-6 sm:py-12">
      <p role="status" className="sr-only">
        Loading
      </p>
      <div className="h-9 w-2/3 rounded-lg bg-line" />
      <div className="mt-4 h-5 w-1/2 rounded bg-line" />
      <div className="card mt-8 h-64 max-w-4xl" />
    </main>
  );
}
