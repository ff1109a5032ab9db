import "server-only";

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { type Figures, readFigures } from "./figures";

/** The figures that this web app was built with. */
export async function loadFigures(): Promise<Figures> {
  return readFigures(await readFile(join(process.cwd(), "public", "accuracy.json"), "utf8"));
}
