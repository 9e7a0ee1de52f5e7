// How the measurements in a browser run: as the tests do, but alone, and with nothing that watches.

import { defineConfig } from "@playwright/test";
import tests from "../playwright.config";

export default defineConfig({
  ...tests,
  testDir: ".",
  testMatch: /.*\.measure\.ts/,
  outputDir: "../test-results/measure",
  timeout: 600_000,
  workers: 1,
  use: { ...tests.use, screenshot: "off", trace: "off" },
});
