// Everybody can use it: axe on every page in both themes and both sizes, no sideways scrolling on a narrow
// phone, and the whole journey by keyboard alone.

import axe, { type RunOptions } from "axe-core";
import { expect, live, type Locator, type Page, RoomPage, scrollsSideways, signIn, test } from "../fixtures";
import { asConfirmed, bought, order } from "../support/shopping";

// Couriers that need not be waited for.
test.use({ settings: { HUBBUB_COURIER_PACE_MS: "50" } });

// They know nothing of each other, and each takes long.
test.describe.configure({ mode: "parallel" });

const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const SIZES = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
];
const FOR_VISITORS = ["/", "/sign-in", "/register", "/chat", "/chat/lobby", "/settings", "/no/such/page"];
const FOR_MEMBERS = ["/chat", "/chat/lobby", "/chat/backstage", "/settings"];
const OF_A_CUSTOMER = ["/shop", "/shop/pendant-dome", "/cart", "/checkout", "/orders", "/wallet", "/notifications"];

/** What axe objects to. */
async function objections(page: Page, options: RunOptions): Promise<{ rule: string; help: string; where: string[] }[]> {
  return page.evaluate(async (options) => {
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(document, options);
    return violations.map(({ id, help, nodes }) => ({
      rule: id,
      help,
      where: nodes.map((node) => `${node.target.join(" ")}: ${node.failureSummary ?? ""}`),
    }));
  }, options);
}

/** Lets axe look at the page in both themes and both sizes. (No page has frames, so one look sees all of it.) */
async function fits(page: Page, path: string): Promise<void> {
  // AxeBuilder would bring it anew for each look, and carry home what is in order.
  await page.evaluate(axe.source);
  for (const size of SIZES) {
    await page.setViewportSize(size);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      // Nothing but the colours is another in the dark.
      const runOnly = colorScheme === "dark" ? ["color-contrast"] : WCAG;
      const found = await objections(page, { runOnly, resultTypes: ["violations"] });
      expect.soft(found, `${path}, ${colorScheme}, ${size.width} px`).toEqual([]);
    }
  }
}

/** Opens each page and lets axe look at it. */
async function fit(page: Page, paths: string[]): Promise<void> {
  for (const path of paths) {
    await page.goto(path);
    await expect(page.locator("main")).toBeVisible();
    await live(page);
    await fits(page, path);
  }
}

test("axe finds nothing on what a visitor sees", async ({ page, complaints }) => {
  complaints.allowStatus(404);
  await fit(page, FOR_VISITORS);
});

test("axe finds nothing on what a member sees", async ({ page }) => {
  await signIn(page, "Bo");
  await fit(page, FOR_MEMBERS);
});

test("axe finds nothing on what a customer and the desk see", async ({ page, another, api }) => {
  const ada = await api("ada");
  const { delivered, flagged, cancelled } = await bought(ada, await api("bo"));
  const past = await asConfirmed(ada, delivered);
  const desk = await another();
  await Promise.all([signIn(page, "Ada"), signIn(desk, "Bo")]);
  const orders = [delivered, flagged, cancelled].map((order) => `/orders/${order}`);
  await Promise.all([fit(page, [...OF_A_CUSTOMER, ...orders]), fit(desk, ["/desk", "/chat/help", past])]);
});

test("no page scrolls sideways at 320 px", async ({ page, api, complaints }) => {
  complaints.allowStatus(404);
  const olga = await api("olga");
  const address = await olga.openRoom();
  await olga.say(address, `A long word: ${"unbreakable".repeat(20)}, and https://hubbub.example/${"a/".repeat(80)}`);
  const [long, sku] = [`Teapot of ${"unbreakable".repeat(6)}`, "teapot-long"];
  await olga.run("catalog.list_product", { sku, title: long, price_cents: 1_234_567 });
  await olga.run("stock.receive", { sku, quantity: 5 });
  await olga.run("wallet.deposit", { amount_cents: 1_000_000 });
  await olga.run("wallet.deposit", { amount_cents: 1_000_000 });
  const large = await order(olga, 1_234_567, [sku, 1]);
  await olga.run("cart.add_item", { sku, quantity: 1 });
  await olga.say(address, `What became of #${large.slice(-6)}?`);
  await page.setViewportSize({ width: 320, height: 640 });
  for (const path of FOR_VISITORS) {
    await page.goto(path);
    await expect(page.locator("main")).toBeVisible();
    expect(await scrollsSideways(page), path).toBe(false);
  }
  await signIn(page, "Olga");
  const past = new Date().toISOString();
  const own = [`/shop/${sku}`, `/orders/${large}`, `/orders/${large}?at=${past}`, "/desk", `/chat/${address}`];
  for (const path of [...FOR_MEMBERS, ...OF_A_CUSTOMER, ...own]) {
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
