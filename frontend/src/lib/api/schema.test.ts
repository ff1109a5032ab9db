import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import openapi, { astToString } from "openapi-typescript";
import { expect, it } from "vitest";

// @vitest-environment node
it("the types are those of the API's description; `npm run api` writes them anew", async () => {
  const root = join(import.meta.dirname, "../../../..");
  const fresh = astToString(await openapi(pathToFileURL(join(root, "docs/openapi.json"))));
  const kept = await readFile(join(import.meta.dirname, "schema.d.ts"), "utf8");
  const body = (text: string) => text.slice(text.indexOf("export interface paths")).trim();
  expect(body(kept)).toBe(body(fresh));
}, 30_000);
