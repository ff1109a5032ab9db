/** What the colours of the notes mean. It keeps its place where they are switched off: the score under it must not jump. */
export function DoubtLegend({ unsure, doubtful, shown }: { unsure: number; doubtful: number; shown: boolean }) {
  if (unsure + doubtful === 0) return null;
  return (
    <p className={`no-print short:hidden flex ${shown ? "" : "invisible"} flex-wrap items-center gap-x-4 text-sm text-soft`}>
      {unsure > 0 && (
        <span className="inline-flex items-center gap-1.5">
          <svg aria-hidden viewBox="0 0 20 20" className="size-5">
            <ellipse cx="10" cy="10" rx="5" ry="3.6" transform="rotate(-20 10 10)" fill="var(--unsure)" />
          </svg>
          not quite sure
        </span>
      )}
      {doubtful > 0 && (
        <span className="inline-flex items-center gap-1.5">
          <svg aria-hidden viewBox="0 0 20 20" className="size-5">
            <ellipse cx="10" cy="10" rx="5" ry="3.6" transform="rotate(-20 10 10)" fill="var(--doubtful)" />
            <circle cx="10" cy="10" r="8.5" fill="none" stroke="var(--doubtful)" strokeDasharray="3 2.4" />
          </svg>
          doubtful: listen again
        </span>
      )}
    </p>
  );
}
