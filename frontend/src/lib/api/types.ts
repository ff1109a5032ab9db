// Names for what the server sends. The shapes themselves are generated: `npm run api`.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Job = Schemas["JobStatusResponse"];
export type JobStatus = Schemas["Status"];
export type JobError = Schemas["JobError"];
export type JobList = Schemas["JobListResponse"];
export type JobResult = Schemas["JobResultResponse"];
export type JobEvent = Schemas["EventMessage"];
export type Limits = Schemas["Limits"];
export type Model = Schemas["ModelResponse"];
export type ProblemBody = Schemas["Problem"];

/** What a song can be asked for with; only what was changed is sent. */
export type JobOptions = Partial<
  Pick<
    Schemas["JobCreate"],
    "title" | "bpm" | "time_signature" | "voices" | "separation" | "model" | "sensitivity" | "paper" | "ghost_notes"
  >
>;
