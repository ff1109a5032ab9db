// The standalone server serves what lies next to it: put the static files there.
import { cpSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const target = join(root, ".next/standalone");
cpSync(join(root, "public"), join(target, "public"), { recursive: true });
cpSync(join(root, ".next/static"), join(target, ".next/static"), { recursive: true });
cpSync(join(root, "scripts/start.cjs"), join(target, "start.cjs"));
