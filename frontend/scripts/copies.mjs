// What the web app shows and the repository keeps once, outside of it: copies go where the server finds them.
import { copyFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const target = join(import.meta.dirname, "../public");
copyFileSync(join(root, "demo/demo.flac"), join(target, "demo.flac"));
copyFileSync(join(root, "docs/accuracy.json"), join(target, "accuracy.json"));
