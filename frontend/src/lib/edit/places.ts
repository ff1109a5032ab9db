// The places of a bar on which a stroke can be written, and what they are called.
import { quarters } from "@/lib/score/score";

/** Distances between the columns of the grid, in quarter notes. */
export const STEPS = [
  { step: "1/2", name: "8ths" },
  { step: "1/4", name: "16ths" },
  { step: "1/8", name: "32nds" },
  { step: "1/3", name: "8th triplets" },
  { step: "1/6", name: "16th triplets" },
] as const;

export type GridStep = (typeof STEPS)[number]["step"];

export interface Column {
  onset: string;
  /** Short, as players count: 1 e & a. */
  label: string;
  /** In words, for those who listen. */
  spoken: string;
  /** Where it stands alone: 3 &. */
  written: string;
  beat: boolean;
  /** Not a place of the chosen grid: it is there because a note is. */
  odd: boolean;
}

function divisor(one: number, other: number): number {
  return other === 0 ? one : divisor(other, one % other);
}

export function fraction(numerator: number, denominator: number): string {
  const shared = divisor(numerator, denominator) || 1;
  const below = denominator / shared;
  return below === 1 ? String(numerator / shared) : `${numerator / shared}/${below}`;
}

function parts(text: string): [number, number] {
  const [numerator = "0", denominator = "1"] = text.split("/");
  return [Number(numerator), Number(denominator)];
}

const isOn = (onset: string, step: string): boolean => {
  const [n, d] = parts(onset);
  const [a, b] = parts(step);
  return (n * b) % (d * a) === 0;
};

/** The coarsest grid from 16ths on that has a column for every note. */
export function stepFor(onsets: readonly string[]): GridStep {
  const order: GridStep[] = ["1/4", "1/3", "1/8", "1/6"];
  return order.find((step) => onsets.every((onset) => isOn(onset, step))) ?? "1/4";
}

const COUNTED: Record<string, [label: string, spoken: string]> = {
  "0": ["", ""],
  "1/4": ["e", " e"],
  "1/2": ["&", " and"],
  "3/4": ["a", " a"],
  "1/3": ["·", " second triplet"],
  "2/3": ["·", " third triplet"],
};

/** A place as players count it: in quarters, or in eighths where eighths are the unit of the metre. */
export function placeName(onset: string, unit: number): { label: string; spoken: string; written: string; beat: boolean } {
  const [n, d] = parts(onset);
  const counts = (n * unit) / (d * 4); // beats from the bar line
  const beat = Math.floor(counts + 1e-9);
  const rest = fraction(n * unit - beat * d * 4, d * 4);
  const [label, spoken] = COUNTED[rest] ?? ["", ` plus ${rest}`];
  const number = String(beat + 1);
  if (rest === "0") return { label: number, spoken: number, written: number, beat: true };
  return { label, spoken: number + spoken, written: `${number} ${label && label !== "·" ? label : `+ ${rest}`}`, beat: false };
}

/** The columns of one bar: the places of the grid, and those of its notes. */
export function columnsOf(length: string, unit: number, step: string, onsets: readonly string[]): Column[] {
  const [n, d] = parts(step);
  const end = quarters(length);
  const places = new Set<string>();
  for (let index = 0; (index * n) / d < end - 1e-9; index++) places.add(fraction(index * n, d));
  const regular = new Set(places);
  for (const onset of onsets) if (quarters(onset) < end) places.add(onset);
  return [...places]
    .sort((one, other) => quarters(one) - quarters(other))
    .map((onset) => ({ onset, odd: !regular.has(onset), ...placeName(onset, unit) }));
}
