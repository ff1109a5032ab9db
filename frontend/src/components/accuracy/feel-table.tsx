import { Summary } from "@/components/ui/summary";
import { type Figures, percent } from "@/lib/accuracy/figures";

/** Generated music by tempo, metre and feel; folded, for whoever wants to know. */
export function FeelTable({ generated }: Pick<Figures, "generated">) {
  const rows = Object.entries(generated).filter(([name]) => !name.startsWith("all") && name !== "velocity");
  return (
    <details className="group mt-4">
      <Summary>Every tempo, metre and feel that was tried</Summary>
      <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Tempo, metre and feel">
        <table className="figures w-full text-[0.9375rem]">
          <caption className="sr-only">Generated music: beats found at the written tempo, bars of the right length, notes in the right place.</caption>
          <thead>
            <tr className="text-left text-sm text-soft [&>th]:pb-2 [&>th]:font-medium">
              <th scope="col">Music</th>
              <th scope="col" className="pr-4 text-right">
                Beats followed
              </th>
              <th scope="col" className="pr-4 text-right">
                Bars of the right length
              </th>
              <th scope="col" className="text-right">
                Notes in the right place
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, row]) => (
              <tr key={name} className="border-t border-line">
                <th scope="row" className="py-2 pr-4 text-left font-medium whitespace-nowrap">
                  {name}
                </th>
                <td className="py-2 pr-4 text-right">{percent(row.cmlt)}</td>
                <td className="py-2 pr-4 text-right">{percent(row.metre)}</td>
                <td className="py-2 text-right">{row.notes.toFixed(2)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
