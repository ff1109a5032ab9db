// The same where one has to say who one is: one server with accounts, one with keys. Access tokens live for six seconds.
import { defineConfig } from "@playwright/test";

import { browser, common, servers, withAccounts, withKeys } from "./e2e/setup";

export default defineConfig({
  ...common,
  testMatch: "accounts.spec.ts",
  use: { ...browser, baseURL: withAccounts().web },
  webServer: [
    ...servers(withAccounts(), { AUTH_MODE: "jwt", JWT_SECRET: "forty characters that only a test knows.", JWT_ACCESS_MINUTES: "0.1" }),
    ...servers(withKeys(), { AUTH_MODE: "keys" }),
  ],
});
