// What the server is told of corrections: operations on the hits of one revision, named as score.json names them.

export interface HitName {
  drum: string;
  time: number;
}

export interface Changes {
  drum?: string;
  velocity?: number;
  flam?: boolean;
  bar?: number;
  onset?: string;
}

export type EditOperation =
  | { op: "add"; bar: number; onset: string; drum: string; velocity: number; flam: boolean }
  | ({ op: "change"; to: Changes } & HitName)
  | ({ op: "delete" } & HitName)
  | ({ op: "confirm" } & HitName);

/** How many operations one revision may bring. */
export const MOST_OPERATIONS = 5000;
