/** How sure the service is of a note, in steps a player can act on. */
export type Doubt = "sure" | "unsure" | "doubtful";

/** Below these confidences a note is tinted; the stronger tint means "listen to this one again". */
export const UNSURE_BELOW = 0.6;
export const DOUBTFUL_BELOW = 0.35;

/** Step of doubt of one note; a note without a confidence was written by a person and is sure. */
export function doubtOf(confidence: number | null | undefined): Doubt {
  if (confidence === null || confidence === undefined || confidence >= UNSURE_BELOW) return "sure";
  return confidence < DOUBTFUL_BELOW ? "doubtful" : "unsure";
}
