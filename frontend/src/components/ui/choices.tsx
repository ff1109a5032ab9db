/** The options of a select, from the values and what each is called. */
export function Choices({ of }: { of: Readonly<Record<string, string>> }) {
  return Object.entries(of).map(([value, name]) => (
    <option key={value} value={value}>
      {name}
    </option>
  ));
}
