// What all end-to-end tests share: the browser, and the servers that they start. Ports may be moved: E2E_API_PORT, E2E_WEB_PORT.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { PlaywrightTestConfig } from "@playwright/test";

const API_PORT = Number(process.env.E2E_API_PORT ?? 8142);
const WEB_PORT = Number(process.env.E2E_WEB_PORT ?? 3042);

type Server = Extract<NonNullable<PlaywrightTestConfig["webServer"]>, { url?: string }>;

/** One API with the web app before it. */
export type Pair = { api: string; apiPort: number; web: string; webPort: number; data: string };

// Workers read this file again: a folder is made once, by the process that starts the servers
function pair(offset: number, folder: string): Pair {
  const data = (process.env[folder] ??= mkdtempSync(join(tmpdir(), "drumscribe-e2e-")));
  const [apiPort, webPort] = [API_PORT + offset, WEB_PORT + offset];
  return { apiPort, webPort, data, api: `http://127.0.0.1:${apiPort}`, web: `http://127.0.0.1:${webPort}` };
}

/** The three ways to ask who somebody is. */
export const open = () => pair(0, "E2E_DATA");
export const withAccounts = () => pair(1, "E2E_DATA_ACCOUNTS");
export const withKeys = () => pair(2, "E2E_DATA_KEYS");
export const longSong = () => pair(0, "E2E_DATA_LONG");

export function servers({ apiPort, api, webPort, web, data }: Pair, env: Record<string, string> = {}): Server[] {
  return [
    {
      command: `../.venv/bin/drumscribe serve --port ${apiPort} --data ${data}`,
      url: `${api}/readyz`,
      env: { LOG_LEVEL: "WARNING", JOB_RETRY_BASE_SECONDS: "1", JOB_MAX_ATTEMPTS: "1", YOUTUBE_TIMEOUT_SECONDS: "20", ...env },
      gracefulShutdown: { signal: "SIGTERM" as const, timeout: 15_000 },
      timeout: 60_000,
    },
    {
      command: "node .next/standalone/start.cjs",
      url: `${web}/settings`,
      env: { API_URL: api, PORT: String(webPort), HOSTNAME: "127.0.0.1" },
      timeout: 60_000,
    },
  ];
}

export const browser = {
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
  trace: "retain-on-failure" as const,
};

// Shared machines have slow moments: what fails is tried again there, and reported as flaky if it then passes
export const common = { testDir: "e2e", workers: 1, retries: process.env.CI ? 2 : 0, timeout: 180_000, expect: { timeout: 30_000 }, reporter: "line" };
