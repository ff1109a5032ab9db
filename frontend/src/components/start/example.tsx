/** What comes out, drawn as a mask so that it takes the colour of the ink. */
export function Example() {
  return (
    <figure className="mt-10 border-t border-line pt-8">
      <div
        role="img"
        aria-label="Four bars of drum sheet music: hi-hats, snare, kick and a fill over the toms"
        className="h-28 w-full bg-ink mask-[url(/example.svg)] mask-size-[auto_100%] mask-left mask-no-repeat sm:h-auto sm:aspect-[206/30] sm:mask-size-[100%_auto]"
      />
      <figcaption className="mt-4 text-sm text-soft">The first bars of the demo song, as DrumScribe heard and wrote them.</figcaption>
    </figure>
  );
}
