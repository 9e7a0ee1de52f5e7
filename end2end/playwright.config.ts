// How the browser tests run: a release build per worker, a real Chromium, nothing simulated.
//
//   CHROMIUM     the browser to use; otherwise the first of the system's headless shell, Playwright's own and
//                the system's Chromium that is there
//   HUBBUB_BIN   the server to test; otherwise target/release/hubbub
//
// `npx playwright test --trace on` records every step for the trace viewer, at half as much again of the time.

import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { chromium, defineConfig, devices } from "@playwright/test";

// A headless shell has no windows to draw: a page costs it a third of what it costs a whole Chromium. Undefined
// stands for Playwright's own, which is one.
const own = existsSync(chromium.executablePath());
const installed = ["/usr/bin/chromium-headless-shell", ...(own ? [] : ["/usr/bin/chromium"])];
const executablePath = process.env["CHROMIUM"] ?? installed.find((path) => existsSync(path));

// What a whole Chromium does besides: renderers for the pop-ups of its address bar, twice for each window, and one
// in reserve for a page to come. A list given here takes the place of Playwright's, so the names before the last two
// lines are Playwright's.
const IDLE = [
  "AvoidUnnecessaryBeforeUnloadCheckSync",
  "DestroyProfileOnBrowserClose",
  "HttpsFirstBalancedModeAutoEnable",
  "HttpsUpgrades",
  "LensOverlay",
  "MediaRouter",
  "NetworkTimeServiceQuerying",
  "OptimizationHints",
  "PaintHolding",
  "PreconnectToSearch",
  "ThirdPartyStoragePartitioning",
  "SpareRendererForSitePerProcess",
  "WebUIOmniboxAimPopup",
  "WebUIOmniboxPopup",
];

export default defineConfig({
  testDir: "./specs",
  outputDir: "./test-results",
  // The longest takes 34 s on two free cores.
  timeout: 180_000,
  expect: { timeout: 15_000 },
  // One more than there are cores, since a test waits for much; but no crowd.
  workers: Math.min(availableParallelism() + 1, 6),
  // Real browsers on a busy machine: what passes at the second try only is reported as flaky, with what failed at first.
  retries: 1,
  forbidOnly: Boolean(process.env["CI"]),
  reporter: [["list"]],
  use: {
    ...devices["Desktop Chrome"],
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "UTC",
    actionTimeout: 15_000,
    navigationTimeout: 30_000,
    screenshot: "only-on-failure",
    launchOptions: {
      ...(executablePath ? { executablePath } : {}),
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        `--disable-features=${IDLE.join(",")}`,
      ],
    },
  },
});
