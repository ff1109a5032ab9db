// A quarter of an hour played in real time. Build first; `npm run e2e:long` takes forty minutes and is not part of CI.
import { defineConfig } from "@playwright/test";

import { browser, common, longSong, servers } from "./e2e/setup";

export default defineConfig({
  ...common,
  testMatch: "long.spec.ts",
  retries: 0, // what is measured is told
  use: { ...browser, trace: "off", baseURL: longSong().web },
  webServer: servers(longSong(), { MAX_FILE_SIZE_MB: "200" }),
});
