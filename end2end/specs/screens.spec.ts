// A picture of every page, to be looked at: test-results/screens/<page>-<theme>-<size>.png. The README shows
// one of them.

import { resolve } from "node:path";
import { connection, expect, live, type Page, signIn, test } from "../fixtures";

const FOLDER = resolve(import.meta.dirname, "../test-results/screens");
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
const PAGES = [
  { name: "home", path: "/", as: null },
  { name: "sign-in", path: "/sign-in", as: null },
  { name: "register", path: "/register", as: null },
  { name: "not-found", path: "/no/such/page", as: null },
  { name: "chat-visitor", path: "/chat/lobby", as: null },
  { name: "rooms", path: "/chat", as: "Bo" },
  { name: "chat", path: "/chat/lobby", as: "Bo" },
  { name: "chat-private", path: "/chat/backstage", as: "Bo" },
  { name: "settings", path: "/settings", as: "Bo" },
] as const;

async function picture(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: `${FOLDER}/${name}.png`, animations: "disabled", caret: "hide" });
}

for (const theme of ["light", "dark"] as const) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`every page, ${theme}, ${size}`, async ({ another, complaints }) => {
      complaints.allowStatus(404);
      const visitor = await another({ colorScheme: theme, viewport });
      const member = await another({ colorScheme: theme, viewport });
      await signIn(member, "Bo");
      for (const { name, path, as } of PAGES) {
        const page = as ? member : visitor;
        await page.goto(path);
        await expect(page.locator("main")).toBeVisible();
        await live(page);
        await picture(page, `${name}-${theme}-${size}`);
      }
    });
  }
}

test("the states of a message and of the connection", async ({ another, wire }) => {
  const page = await another({ colorScheme: "light", viewport: SIZES.desktop });
  await signIn(page, "Ada", wire.url);
  await page.goto(`${wire.url}/chat/market`);
  await live(page);
  wire.cut();
  await expect(connection(page)).toHaveAttribute("data-state", /reconnecting|offline/);
  await page.getByLabel("Message", { exact: true }).fill("This one waits for the network.");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.locator("article[data-state=pending], article[data-state=failed]")).toHaveCount(1);
  await picture(page, "chat-disconnected-light-desktop");
});
