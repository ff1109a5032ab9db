/** Some bars of a score as a score of their own, which an engraver draws in a moment. */
export interface Slice {
  /** Index of its first bar in the whole score, and how many it has. */
  first: number;
  bars: number;
  /** Bars before the first full one that count to no line: a pick-up. */
  pickup: number;
  musicxml: string;
}

/** Bars of a slice: a phrase, so that lines of 1, 2, 4 and 8 bars end where it ends. */
export const PHRASE = 8;

/** What a slice must repeat from before it: the attributes that are in force, without showing the metre again. */
class InForce {
  private readonly kept = new Map<string, Element>();

  hear(measure: Element): void {
    for (const attributes of measure.querySelectorAll(":scope > attributes"))
      for (const child of attributes.children) if (child.tagName !== "measure-style") this.kept.set(child.tagName, child);
  }

  /** Puts what the measure does not say itself before what it says, in the order that MusicXML wants. */
  repeatIn(measure: Element): void {
    const own = measure.querySelector(":scope > attributes");
    const attributes = own ?? measure.ownerDocument.createElement("attributes");
    const said = new Map(Array.from(attributes.children, (child) => [child.tagName, child] as const));
    const all = ["divisions", "key", "time", "clef"].flatMap((name) => {
      const before = this.kept.get(name);
      if (said.has(name) || !before) return said.get(name) ?? [];
      const copy = before.cloneNode(true) as Element;
      if (name === "time") copy.setAttribute("print-object", "no");
      return copy;
    });
    attributes.prepend(...all);
    if (!own) measure.insertBefore(attributes, measure.querySelector(":scope > :not(print)"));
  }
}

/** Where slices begin: with every rehearsal mark and after every phrase. */
function beginnings(measures: readonly Element[]): number[] {
  const pickup = measures[0]?.getAttribute("implicit") === "yes" && measures.length > 1 ? 1 : 0;
  const found: number[] = [];
  measures.forEach((measure, index) => {
    const since = index - (found.at(-1) ?? 0) - (found.length === 1 ? pickup : 0);
    const isSection = measure.querySelector(":scope > direction rehearsal") !== null && index > pickup;
    if (index === 0 || isSection || since >= PHRASE) found.push(index);
  });
  return found;
}

/** Cuts a score of one part into phrases. The same bars give the same slice, byte for byte. */
export function slicesOf(musicxml: string): Slice[] {
  const document = new DOMParser().parseFromString(musicxml, "application/xml");
  const part = document.querySelector("score-partwise > part");
  if (!part) throw new Error("The score has no part.");
  const measures = Array.from(part.querySelectorAll(":scope > measure"));
  document.querySelectorAll("credit, defaults, work, print").forEach((element) => element.remove());
  part.replaceChildren();
  const inForce = new InForce();
  const starts = beginnings(measures);
  return starts.map((first, index) => {
    const own = measures.slice(first, starts[index + 1] ?? measures.length);
    const copies = own.map((measure) => measure.cloneNode(true) as Element);
    if (copies[0]) inForce.repeatIn(copies[0]);
    own.forEach((measure) => inForce.hear(measure));
    part.replaceChildren(...copies);
    const pickup = first === 0 && own.length > 1 && own[0]?.getAttribute("implicit") === "yes" ? 1 : 0;
    return { first, bars: own.length, pickup, musicxml: new XMLSerializer().serializeToString(document) };
  });
}
