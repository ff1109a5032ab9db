// The demo song is kept once, outside the web app; a copy goes where the server finds it.
import { copyFileSync } from "node:fs";
import { join } from "node:path";

copyFileSync(join(import.meta.dirname, "../../demo/demo.flac"), join(import.meta.dirname, "../public/demo.flac"));
