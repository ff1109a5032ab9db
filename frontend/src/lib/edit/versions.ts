import type { Revision } from "@/lib/api/types";
import { plural } from "@/lib/format";

import { pulseOf } from "./pulse";

/** What made a version another one than that before it. */
export function describe(revision: Revision, base: Revision | undefined): string {
  if (revision.number === 1) return "as it was heard";
  if (base && base.number < revision.number - 1) return `version ${base.number} again`;
  const [now, before] = [pulseOf(revision.options), pulseOf(base?.options)];
  const said: string[] = [];
  if (revision.edits) said.push(plural(revision.edits, "correction"));
  if (base && now.octave !== before.octave) {
    const size = { half: -1, "": 0, double: 1 };
    said.push(size[now.octave] < size[before.octave] ? "half tempo" : "double tempo");
  }
  if (base && now.downbeat !== before.downbeat) said.push("bar lines moved");
  if (base && now.time_signature !== before.time_signature) said.push(now.time_signature ? `in ${now.time_signature}` : "metre as heard");
  return said.join(", ") || "other options";
}
