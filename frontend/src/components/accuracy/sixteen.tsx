import type { Counts } from "@/lib/accuracy/figures";
import { expected } from "@/lib/accuracy/figures";

const STEP = 36;
const LEFT = 24;

function Head({ x, kind }: { x: number; kind: "right" | "missing" | "invented" }) {
  if (kind === "right") return <ellipse cx={x} cy={44} rx={8} ry={6} transform={`rotate(-18 ${x} 44)`} className="fill-ink" />;
  if (kind === "missing") {
    return <ellipse cx={x} cy={44} rx={8} ry={6} transform={`rotate(-18 ${x} 44)`} strokeDasharray="3 3" className="fill-none stroke-ink" strokeWidth={1.5} />;
  }
  return <path d={`M${x - 6} 38l12 12m0-12l-12 12`} className="stroke-bad" strokeWidth={2.5} strokeLinecap="round" />;
}

/** Sixteen strokes as they would be written: right, missing, and those that nobody played. */
export function Sixteen({ counts }: { counts: Counts }) {
  const { right, missing, invented } = expected(counts, 16);
  const gap = Math.floor(16 / (missing + 1));
  const kinds = Array.from({ length: 16 }, (_, at) => ((at + 1) % gap === 0 && (at + 1) / gap <= missing ? "missing" : "right") as "missing" | "right");
  const width = LEFT * 2 + STEP * (15 + invented);
  return (
    <figure>
      <svg viewBox={`0 0 ${width} 72`} role="img" aria-label={`Of sixteen strokes: ${right} right, ${missing} missing, and ${invented} written that nobody played`} className="w-full max-w-3xl">
        <line x1={0} x2={width} y1={44} y2={44} className="stroke-line" strokeWidth={1.5} />
        {kinds.map((kind, at) => (
          <Head key={at} kind={kind} x={LEFT + at * STEP} />
        ))}
        {Array.from({ length: invented }, (_, at) => (
          <Head key={at} kind="invented" x={LEFT + (16 + at) * STEP} />
        ))}
      </svg>
      <figcaption className="mt-1 flex flex-wrap gap-x-6 gap-y-1 text-sm text-soft">
        <span>
          <span aria-hidden className="mr-2 inline-block size-2.5 rounded-full bg-ink" />
          {right} right
        </span>
        <span>
          <span aria-hidden className="mr-2 inline-block size-2.5 rounded-full border border-dashed border-ink" />
          {missing} missing
        </span>
        <span>
          <span aria-hidden className="mr-2 font-bold text-bad">
            ×
          </span>
          {invented} that nobody played
        </span>
      </figcaption>
    </figure>
  );
}
