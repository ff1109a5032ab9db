import { type Drum, DRUMS } from "@/lib/accuracy/drums";
import { type Counts, ENOUGH, type Figures, strokesOf } from "@/lib/accuracy/figures";
import { drumName } from "@/lib/score/drums";

function Bars({ mix, alone }: { mix: Counts; alone: Counts }) {
  return (
    <div aria-hidden className="min-w-10 space-y-1 sm:min-w-32 border-l border-edge py-0.5">
      <div className="h-3 bg-accent" style={{ width: `${mix.f * 100}%` }} />
      <div className="h-1.5 bg-edge" style={{ width: `${alone.f * 100}%` }} />
    </div>
  );
}

function remark(strokes: number): string | null {
  if (strokes === 0) return "None in these songs: nothing is known.";
  return strokes < ENOUGH ? `Only ${strokes} in these songs: too few to say.` : null;
}

function Row({ drum, mix, alone }: { drum: Drum; mix: Counts; alone: Counts }) {
  const strokes = strokesOf(mix);
  const said = remark(strokes);
  return (
    <tr className="border-t border-line">
      <th scope="row" className="py-2 pr-4 text-left font-medium">
        {drumName(drum)}
      </th>
      {said ? (
        <td colSpan={5} className="py-2 text-soft">
          {said}
        </td>
      ) : (
        <>
          <td className="py-2 pr-4 sm:w-1/3">
            <Bars mix={mix} alone={alone} />
          </td>
          <td className="py-2 pr-4 text-right font-semibold">{mix.f.toFixed(2)}</td>
          <td className="py-2 pr-4 text-right text-soft max-sm:hidden">{alone.f.toFixed(2)}</td>
          <td className="py-2 pr-4 text-right whitespace-nowrap">
            {mix.found} of {strokes}
          </td>
          <td className="py-2 text-right">{mix.invented}</td>
        </>
      )}
    </tr>
  );
}

/** A bar for each drum, in a table that says the same in figures. */
export function DrumChart({ recordings }: Pick<Figures, "recordings">) {
  const { full_mix, drums_alone } = recordings;
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Figures by drum">
      <table className="figures w-full text-[0.9375rem] max-sm:text-sm max-sm:[&_td]:pr-2! max-sm:[&_th]:pr-2!">
        <caption className="mb-3 text-left text-sm text-soft">
          F-measure from 0 to 1. <span aria-hidden className="mx-1 inline-block h-3 w-5 bg-accent align-middle" /> in the mix of a whole band,{" "}
          <span aria-hidden className="mx-1 inline-block h-1.5 w-5 bg-edge align-middle" /> drums recorded alone.
        </caption>
        <thead>
          <tr className="text-left text-sm text-soft [&>th]:pb-2 [&>th]:font-medium">
            <th scope="col">Drum</th>
            <td />
            <th scope="col" className="pr-4 text-right">
              Mix
            </th>
            <th scope="col" className="pr-4 text-right max-sm:hidden">
              Alone
            </th>
            <th scope="col" className="pr-4 text-right">
              Found
            </th>
            <th scope="col" className="text-right">
              Invented
            </th>
          </tr>
        </thead>
        <tbody>
          {DRUMS.map((drum) => (
            <Row key={drum} drum={drum} mix={full_mix.drums[drum]} alone={drums_alone.drums[drum]} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
