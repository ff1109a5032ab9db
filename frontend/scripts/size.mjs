// How much JavaScript a browser loads before the start page works: what its HTML names, compressed. Build first.
// Asks a server of its own; the page's frame is enough, so no API is needed.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 250;
const PORT = "3049";
const root = join(import.meta.dirname, "..");

async function pageOf(address) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const html = await fetch(address).then((answer) => answer.text(), () => null);
    if (html) return html;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${address} does not answer`);
}

const server = spawn(process.execPath, [join(root, ".next/standalone/start.cjs")], {
  env: { ...process.env, PORT, HOSTNAME: "127.0.0.1" },
  stdio: "ignore",
});
try {
  const html = await pageOf(`http://127.0.0.1:${PORT}/`);
  const manifest = join(root, ".next/server/app/(start)/page_client-reference-manifest.js");
  const ofPage = [...readFileSync(manifest, "utf8").matchAll(/static\/chunks\/[\w.~-]+\.js/g)].map(([name]) => name);
  const ofFrame = [...html.matchAll(/\/_next\/(static\/chunks\/[\w.~-]+\.js)/g)].map(([, name]) => name);
  const legacy = [...html.matchAll(/src="\/_next\/([^"]+)" noModule/g)].map(([, name]) => name);
  const names = [...new Set([...ofPage, ...ofFrame])].filter((name) => !legacy.includes(name));
  const total = names.reduce((sum, name) => sum + gzipSync(readFileSync(join(root, ".next", name))).length, 0) / 1000;
  console.log(`Start page: ${total.toFixed(1)} kB of JavaScript in ${names.length} files, gzip; at most ${LIMIT_KB} kB`);
  process.exitCode = total > LIMIT_KB ? 1 : 0;
} finally {
  server.kill();
}
