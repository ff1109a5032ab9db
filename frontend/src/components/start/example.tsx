/** What comes out, drawn as a mask so that it takes the colour of the ink. */
export function Example() {
  return (
    <figure className="mt-10 border-t border-line pt-8">
      <div
        role="img"
        aria-label="Four bars of drum sheet music: hi-hats, kick, and a snare with ghost notes and a fill"
        className="h-28 w-full bg-ink mask-[url(/example.svg)] mask-size-[auto_100%] mask-left mask-no-repeat sm:h-auto sm:aspect-[206/30] sm:mask-size-[100%_auto]"
      />
      <figcaption className="mt-4 text-sm text-soft">Four bars of the demo song, as DrumScribe heard and wrote them.</figcaption>
    </figure>
  );
}
