// The rows of the grid and the keys of its drums.

/** From top to bottom as on the staff: cymbals, toms and snare, bass drum. */
export const ROWS = [
  "crash",
  "ride",
  "hihat_open",
  "hihat_closed",
  "tom_high",
  "tom_mid",
  "snare",
  "cross_stick",
  "tom_low",
  "kick",
] as const;

/** The key that makes a stroke one of this drum. Nought is the player's, so the tenth drum has a letter. */
export const DRUM_KEYS: Record<string, string> = {
  kick: "1",
  snare: "2",
  hihat_closed: "3",
  hihat_open: "4",
  ride: "5",
  crash: "6",
  tom_high: "7",
  tom_mid: "8",
  tom_low: "9",
  cross_stick: "x",
};

export const SHORT_NAMES: Record<string, string> = {
  kick: "Bass",
  snare: "Snare",
  hihat_closed: "Hat",
  hihat_open: "Hat open",
  ride: "Ride",
  crash: "Crash",
  tom_high: "High tom",
  tom_mid: "Mid tom",
  tom_low: "Floor tom",
  cross_stick: "Cross",
};

/** The drum of a key, or null. */
export function drumOfKey(key: string): string | null {
  return Object.keys(DRUM_KEYS).find((drum) => DRUM_KEYS[drum] === key.toLowerCase()) ?? null;
}

/** Drums that one hand or pedal plays in two ways: of two at one place only one can be written. */
export const OTHER_WAY: Record<string, string> = {
  hihat_open: "hihat_closed",
  hihat_closed: "hihat_open",
  snare: "cross_stick",
  cross_stick: "snare",
};

/** Drums before which a grace note is written. */
export const FLAMMED: ReadonlySet<string> = new Set(["snare", "tom_high", "tom_mid", "tom_low"]);

export type Level = "ghost" | "normal" | "accent";

/** Below and above these a stroke reads as soft or loud in the grid. What is bracketed in print, the service decides. */
const SOFT = 0.35;
const LOUD = 0.9;

export function levelOf(velocity: number): Level {
  if (velocity < SOFT) return "ghost";
  return velocity > LOUD ? "accent" : "normal";
}

export const LEVELS: Record<Level, number> = { ghost: 0.2, normal: 0.7, accent: 1 };
