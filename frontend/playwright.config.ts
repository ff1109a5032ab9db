// A real Chromium against the real server in embedded mode and the web app as it is shipped. Build first.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { defineConfig } from "@playwright/test";

const API_PORT = Number(process.env.E2E_API_PORT ?? 8142);
const WEB_PORT = Number(process.env.E2E_WEB_PORT ?? 3042);
// Workers read this file again: the folder is made once, by the process that starts the servers
const data = (process.env.E2E_DATA ??= mkdtempSync(join(tmpdir(), "drumscribe-e2e-")));

export default defineConfig({
  testDir: "e2e",
  workers: 1,
  timeout: 180_000,
  expect: { timeout: 30_000 },
  reporter: "line",
  use: {
    baseURL: `http://127.0.0.1:${WEB_PORT}`,
    viewport: { width: 1440, height: 900 },
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
      ],
    },
    trace: "retain-on-failure",
  },
  webServer: [
    {
      command: `../.venv/bin/drumscribe serve --port ${API_PORT} --data ${data}`,
      url: `http://127.0.0.1:${API_PORT}/readyz`,
      env: { JOB_RETRY_BASE_SECONDS: "1", JOB_MAX_ATTEMPTS: "1", YOUTUBE_TIMEOUT_SECONDS: "20" },
      gracefulShutdown: { signal: "SIGTERM", timeout: 15_000 },
      timeout: 60_000,
    },
    {
      command: "node .next/standalone/start.cjs",
      url: `http://127.0.0.1:${WEB_PORT}/settings`,
      env: { API_URL: `http://127.0.0.1:${API_PORT}`, PORT: String(WEB_PORT), HOSTNAME: "127.0.0.1" },
      timeout: 60_000,
    },
  ],
});
