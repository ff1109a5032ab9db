import { Summary } from "@/components/ui/summary";
import { FAMILIES, type Family, type Figures } from "@/lib/accuracy/figures";

const TITLES: Record<Family, string> = {
  ratio: "How loud the drums are against the music",
  density: "How dense the strokes are",
  tempo: "Tempo",
  metre: "Metre",
  kit: "Kind of kit",
};

/** Generated music, grouped by what makes it hard; folded, for whoever wants to know. */
export function ConditionTable({ set }: { set: Figures["generated_set"] }) {
  const tables = FAMILIES.flatMap((family) => {
    const groups = set.conditions[family];
    return groups ? [{ family, rows: Object.entries(groups) }] : [];
  });
  return (
    <details className="group mt-4">
      <Summary>What makes a song hard</Summary>
      <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="What makes a song hard">
        <table className="figures w-full text-[0.9375rem]">
          <caption className="mb-2 text-left text-sm text-soft">
            F-measure over {set.pieces} pieces of music made for the purpose, on kits that DrumScribe never heard before.
          </caption>
          <thead>
            <tr className="text-left text-sm text-soft [&>th]:pb-2 [&>th]:font-medium">
              <th scope="col">Music</th>
              <th scope="col" className="pr-4 text-right">
                Strokes
              </th>
              <th scope="col" className="pr-4 text-right">
                Five classes
              </th>
              <th scope="col" className="text-right">
                Nine classes
              </th>
            </tr>
          </thead>
          {tables.map(({ family, rows }) => (
            <tbody key={family}>
              <tr className="border-t border-line">
                <th scope="rowgroup" colSpan={4} className="pt-4 pb-1 text-left text-sm font-medium text-soft">
                  {TITLES[family]}
                </th>
              </tr>
              {rows.map(([name, { strokes, hits_5, hits_9 }]) => (
                <tr key={name} className="border-t border-line">
                  <th scope="row" className="py-2 pr-4 text-left font-medium">
                    {name}
                  </th>
                  <td className="py-2 pr-4 text-right">{strokes}</td>
                  <td className="py-2 pr-4 text-right">{hits_5.f.toFixed(2)}</td>
                  <td className="py-2 text-right">{hits_9.f.toFixed(2)}</td>
                </tr>
              ))}
            </tbody>
          ))}
        </table>
      </div>
    </details>
  );
}
