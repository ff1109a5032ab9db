/** A cross notehead over a filled one: hi-hat and kick on one stem. */
export function Wordmark() {
  return (
    <svg viewBox="0 0 24 24" aria-hidden className="size-6 text-accent">
      <g fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round">
        <path d="M5.5 4.5 12 11M12 4.5 5.5 11" />
        <path d="M14.6 3v15" />
      </g>
      <ellipse cx="10.4" cy="18.4" rx="4.6" ry="3.2" fill="currentColor" transform="rotate(-18 10.4 18.4)" />
    </svg>
  );
}
