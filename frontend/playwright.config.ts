// A real Chromium against the real server in embedded mode and the web app as it is shipped. Build first.
import { defineConfig } from "@playwright/test";

import { browser, common, open, servers } from "./e2e/setup";

export default defineConfig({
  ...common,
  testIgnore: ["accounts.spec.ts", "long.spec.ts"], // with configurations of their own
  use: { ...browser, baseURL: open().web },
  webServer: servers(open()),
});
