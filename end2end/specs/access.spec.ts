// Everybody can use it: axe on every page in both themes and both sizes, no sideways scrolling on a narrow
// phone, and the whole journey by keyboard alone.

import AxeBuilder from "@axe-core/playwright";
import { expect, live, type Locator, type Page, RoomPage, scrollsSideways, signIn, test } from "../fixtures";

const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const SIZES = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
];
const FOR_VISITORS = ["/", "/sign-in", "/register", "/chat", "/chat/lobby", "/settings", "/no/such/page"];
const FOR_MEMBERS = ["/chat", "/chat/lobby", "/chat/backstage", "/settings"];

async function fits(page: Page, path: string, colorScheme: string): Promise<void> {
  for (const size of SIZES) {
    await page.setViewportSize(size);
    const { violations } = await new AxeBuilder({ page }).withTags(WCAG).analyze();
    const found = violations.map((violation) => ({
      rule: violation.id,
      help: violation.help,
      where: violation.nodes.map((node) => `${node.target.join(" ")}: ${node.failureSummary ?? ""}`),
    }));
    expect(found, `${path}, ${colorScheme}, ${size.width} px`).toEqual([]);
  }
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in the ${colorScheme} theme`, () => {
    test.use({ colorScheme, contextOptions: { reducedMotion: "reduce" } });

    for (const path of FOR_VISITORS) {
      test(`axe finds nothing on ${path} as a visitor`, async ({ page, complaints }) => {
        complaints.allowStatus(404);
        await page.goto(path);
        await expect(page.locator("main")).toBeVisible();
        await live(page);
        await fits(page, path, colorScheme);
      });
    }

    test("axe finds nothing on what a member sees", async ({ page }) => {
      await signIn(page, "Bo");
      for (const path of FOR_MEMBERS) {
        await page.goto(path);
        await live(page);
        await fits(page, path, colorScheme);
      }
    });
  });
}

test("no page scrolls sideways at 320 px", async ({ page, api, complaints }) => {
  complaints.allowStatus(404);
  const olga = await api("olga");
  const address = await olga.openRoom();
  await olga.say(address, `A long word: ${"unbreakable".repeat(20)}, and https://hubbub.example/${"a/".repeat(80)}`);
  await page.setViewportSize({ width: 320, height: 640 });
  for (const path of FOR_VISITORS) {
    await page.goto(path);
    await expect(page.locator("main")).toBeVisible();
    expect(await scrollsSideways(page), path).toBe(false);
  }
  await signIn(page, "Bo");
  for (const path of [...FOR_MEMBERS, `/chat/${address}`]) {
    await page.goto(path);
    await live(page);
    expect(await scrollsSideways(page), path).toBe(false);
  }
});

/** Presses Tab until an element has the focus; says where the focus went if it never does. */
async function tabTo(page: Page, target: Locator, key = "Tab"): Promise<void> {
  const visited: string[] = [];
  for (let presses = 0; presses < 80; presses += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
    visited.push(await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 80) ?? "nothing"));
  }
  throw new Error(`never reached by ${key}; the focus went over\n${visited.join("\n")}`);
}

test("a person with a keyboard alone enters, opens a room, writes, edits and deletes", async ({ page, api }) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  await page.goto("/");
  await page.keyboard.press("Tab");
  await expect(page.locator(":focus")).toContainText(/skip/i);
  await tabTo(page, page.getByRole("button", { name: "Enter as Ada" }));
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname.startsWith("/chat"));
  await live(page);

  await tabTo(page, page.getByRole("link", { name: new RegExp(address) }).first());
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname === `/chat/${address}`);
  const room = new RoomPage(page, address);
  await live(page);

  await tabTo(page, room.composer);
  await page.keyboard.type("typed, not clicked");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("on two lines");
  await page.keyboard.press("Enter");
  await expect(room.message("typed, not clicked")).toHaveAttribute("data-state", "sent");
  await expect(room.composer).toHaveValue("");
  await expect(room.composer).toBeFocused();

  const id = await room.message("typed, not clicked").getAttribute("data-message-id");
  const article = page.locator(`article[data-message-id="${id}"]`);
  await tabTo(page, room.control("typed, not clicked", "Edit"), "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(article.getByRole("textbox")).toBeFocused();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("changed by keyboard");
  await page.keyboard.press("Enter");
  await expect(room.message("changed by keyboard")).toHaveAttribute("data-state", "sent");

  await expect(page.locator(":focus"), "the focus is not lost after editing").not.toHaveCount(0);
  await room.composer.focus();
  await tabTo(page, room.control("changed by keyboard", "Delete"), "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(article).toContainText("Message deleted");
  await expect.poll(async () => (await olga.log(`chat.${address}.message_deleted`)).length).toBe(1);
});

test("focus is always to be seen", async ({ page }) => {
  await page.goto("/");
  for (let nth = 0; nth < 8; nth += 1) {
    await page.keyboard.press("Tab");
    const seen = await page.locator(":focus").evaluate((element) => {
      const style = getComputedStyle(element);
      return style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 2;
    });
    expect(seen, await page.locator(":focus").evaluate((element) => element.outerHTML.slice(0, 120))).toBe(true);
  }
});
