// What the server is told of corrections: operations on the hits of one revision, named as score.json names them.
import type { components } from "@/lib/api/schema";

type Schemas = components["schemas"];

export type EditOperation = Schemas["RevisionCreate"]["edits"][number];
export type DrumName = Schemas["AddEdit"]["drum"];
export type ReviewBar = Schemas["DoubtfulBar"];

export interface HitName {
  drum: string;
  time: number;
}

/** What is changed of a note; what is left out stays. */
export interface Changes {
  drum?: string;
  velocity?: number;
  flam?: boolean;
  bar?: number;
  onset?: string;
}
