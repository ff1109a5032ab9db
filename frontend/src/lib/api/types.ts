// Names for what the server sends. The shapes themselves are generated: `npm run api`.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Job = Schemas["JobStatusResponse"];
export type JobStatus = Schemas["Status"];
export type JobError = Schemas["JobError"];
export type JobList = Schemas["JobListResponse"];
export type JobResult = Schemas["JobResultResponse"];
export type JobEvent = Schemas["EventMessage"];
export type Revision = Schemas["RevisionResponse"];
export type Share = Schemas["ShareResponse"];
export type Shared = Schemas["SharedJobResponse"];
export type SharedResult = Schemas["SharedResultResponse"];
export type Limits = Schemas["Limits"];
export type Model = Schemas["ModelResponse"];
export type Entrance = Schemas["EntranceResponse"];
export type Caller = Schemas["CallerResponse"];
export type Tokens = Schemas["TokenResponse"];
export type Key = Schemas["KeyResponse"];
export type NewKey = Schemas["KeyCreatedResponse"];
export type KeyScope = NonNullable<Schemas["CreateKeyRequest"]["scopes"]>[number];
export type ProblemBody = Schemas["Problem"];

/** What a new version can be asked for with; what is not named stays as it was. */
export type RevisionOptions = Partial<Pick<Schemas["RevisionCreate"], "octave" | "downbeat" | "time_signature">>;

/** What a song can be asked for with; only what was changed is sent. */
export type JobOptions = Partial<
  Pick<
    Schemas["JobCreate"],
    "title" | "bpm" | "time_signature" | "voices" | "separation" | "model" | "sensitivity" | "paper" | "ghost_notes"
  >
>;
