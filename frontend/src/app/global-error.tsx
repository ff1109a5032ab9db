"use client";

/** Shown when even the frame of the page broke: it may lean on nothing. */
export default function GlobalError({ reset }: { reset: () => void }) {
  return (
    <html lang="en">
      <body style={{ fontFamily: "system-ui, sans-serif", padding: "2rem", colorScheme: "light dark" }}>
        <title>DrumScribe</title>
        <h1>Something broke</h1>
        <p>This page could not be shown. Songs that were sent are worked on all the same.</p>
        <button type="button" onClick={reset} style={{ minHeight: 44, paddingInline: 16 }}>
          Try again
        </button>
      </body>
    </html>
  );
}
