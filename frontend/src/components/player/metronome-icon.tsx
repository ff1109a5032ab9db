/** A metronome in the line style of the other icons, which have none. */
export function Metronome() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={2} strokeLinecap="round" strokeLinejoin="round" aria-hidden>
      <path d="M8.5 3h7l3.5 18H5z" />
      <path d="M6 15h12" />
      <path d="m12 15 6-9" />
    </svg>
  );
}
