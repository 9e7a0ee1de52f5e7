// The shop by keyboard alone, from the shelf to the desk: what has the focus is always to be seen, comes in the order
// in which one reads, and goes somewhere sensible when what had it is gone. And by finger: nothing is too small.

import { expect, live, type Locator, type Page, signIn, test } from "../fixtures";
import { bought, happened, order } from "../support/shopping";

// Couriers that need not be waited for.
test.use({ settings: { HUBBUB_COURIER_PACE_MS: "50" } });

/** What has the focus, in a few words, and whether that is to be seen. */
async function focus(page: Page): Promise<{ name: string; seen: boolean }> {
  return page.evaluate(() => {
    const element = document.activeElement ?? document.body;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    // From the page's end it goes through the browser's own controls.
    const elsewhere = element === document.body;
    const label = element.getAttribute("aria-label") ?? (element as HTMLInputElement).labels?.[0]?.textContent;
    const name = (label ?? element.textContent ?? "").replaceAll(/\s+/g, " ").trim();
    return { name, seen: elsewhere || (outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2) };
  });
}

/** Presses Tab until this has the focus; each stop on the way must be seen. Returns the stops by name. */
async function tabTo(page: Page, target: Locator, key = "Tab"): Promise<string[]> {
  const stops: string[] = [];
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press(key);
    const { name, seen } = await focus(page);
    stops.push(name);
    expect(seen, `the focus is not to be seen on “${name}”`).toBe(true);
    if (await target.evaluate((element) => element === document.activeElement)) return stops;
  }
  throw new Error(`never reached by ${key}; the focus went over\n${stops.join("\n")}`);
}

/** Comes to a page by a link, which has the focus. */
async function follow(page: Page, heading: string | RegExp): Promise<void> {
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: heading })).toBeVisible();
  await expect(page.locator("#main"), "the focus comes to the page").toBeFocused();
}

test("the shop by keyboard alone, from the shelf to the desk", async ({ page, api }) => {
  const ada = await api("ada");
  await signIn(page, "Bo");
  await page.goto("/shop?q=candlestick");
  await live(page);
  const main = page.locator("#main");

  // The shelf, and a product on it.
  await tabTo(page, page.getByRole("link", { name: "Brass candlestick" }));
  await follow(page, "Brass candlestick");
  const add = page.getByRole("button", { name: "Add Brass candlestick to the cart" });
  expect(await tabTo(page, add)).toEqual(["Shop", "Light", "Quantity", "Add Brass candlestick to the cart"]);
  await page.keyboard.press("Enter");
  await expect(page.getByText("1 in cart")).toBeVisible();
  await expect(add).toBeFocused();

  // The cart: what is taken out does not take the focus with it.
  await page.goto("/shop/mug-speckled");
  await live(page);
  await tabTo(page, page.getByRole("button", { name: "Add Speckled mug to the cart" }));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("link", { name: /^Cart/ }), "Shift+Tab");
  await follow(page, "Cart");
  const remove = page.getByRole("button", { name: "Take Speckled mug out" });
  expect(await tabTo(page, remove)).toEqual([
    "Brass candlestick",
    "Quantity of Brass candlestick",
    "Take Brass candlestick out",
    "Speckled mug",
    "Quantity of Speckled mug",
    "Take Speckled mug out",
  ]);
  await page.keyboard.press("Enter");
  await expect(page.locator(".cart-line")).toHaveCount(1);
  await expect(main).toBeFocused();
  await tabTo(page, page.getByLabel("Quantity of Brass candlestick"));
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("total")).toHaveText("€49.00");
  await tabTo(page, page.getByRole("link", { name: "Check out" }));
  await follow(page, "Check out");

  // Checking out.
  await tabTo(page, page.getByLabel("Where shall it go?"));
  await page.keyboard.type("1 Mill Lane");
  await tabTo(page, page.getByRole("button", { name: /^Place order/ }));
  await follow(page, /^Order /);

  // The order, as it was, and cancelled.
  await expect(page.getByTestId("status")).toHaveText("Confirmed");
  await tabTo(page, page.locator(".happened").first().getByRole("link"));
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("past")).toBeFocused();
  expect(await tabTo(page, page.getByRole("link", { name: "Back to now" }))).toEqual(["Later", "Back to now"]);
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("past")).toHaveCount(0);
  await expect(main).toBeFocused();
  await tabTo(page, page.getByText("Cancel this order"));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("button", { name: "Yes, cancel it" }));
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("status")).toHaveText("Cancelled");
  await expect(main).toBeFocused();

  // The wallet: the button that was pressed keeps the focus.
  await tabTo(page, page.getByRole("link", { name: "Wallet" }), "Shift+Tab");
  await follow(page, "Wallet");
  const deposit = page.getByRole("button", { name: "€25.00" });
  expect(await tabTo(page, deposit)).toEqual(["€25.00"]);
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("available")).toHaveText("€425.00");
  await expect(deposit).toBeFocused();

  // The desk: what was done about an order leaves the focus with it.
  const id = await order(ada, 1_650, ["pot-terracotta", 1]);
  await happened(ada, id, "shipment.created");
  await tabTo(page, page.getByRole("link", { name: "Desk" }), "Shift+Tab");
  await follow(page, "Desk");
  const row = page.locator(`.desk-row[data-order="${id}"]`);
  await tabTo(page, row.getByRole("button", { name: /^Claim/ }));
  await page.keyboard.press("Enter");
  await expect(row).toContainText("You look after it");
  await expect(row.getByRole("link")).toBeFocused();
  await tabTo(page, row.getByRole("button", { name: /^Dispatch/ }));
  await page.keyboard.press("Enter");
  await expect(row.getByRole("button", { name: /^Dispatch/ })).toHaveCount(0);
  await expect(row.getByRole("link")).toBeFocused();
});

/** What a finger could hardly hit: less than 44 px high or wide, its label or its row counted in. */
async function tooSmall(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const controls = document.querySelectorAll<HTMLElement>("a, button, input:not([type=hidden]), select, textarea, summary");
    return [...controls].flatMap((control) => {
      const shown = control.checkVisibility({ visibilityProperty: true }) && !control.closest(".skip, .visually-hidden");
      const { width, height } = (control.closest("label") ?? control).getBoundingClientRect();
      const small = shown && (height < 43.5 || (width < 43.5 && !control.closest("p, li, td")));
      return small ? [`${control.outerHTML.slice(0, 90)}: ${Math.round(width)} × ${Math.round(height)}`] : [];
    });
  });
}

test("nothing is too small for a finger", async ({ another, api }) => {
  const { delivered, flagged } = await bought(await api("ada"), await api("bo"));
  const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
  const [customer, desk] = [await another(phone), await another(phone)];
  await Promise.all([signIn(customer, "Ada"), signIn(desk, "Bo")]);
  const own = ["/shop", "/shop/pendant-dome", "/cart", "/checkout", "/orders", "/wallet", "/notifications", "/settings"];
  for (const path of [...own, `/orders/${delivered}`, `/orders/${flagged}`, "/chat", "/chat/lobby"]) {
    await customer.goto(path);
    await live(customer);
    expect.soft(await tooSmall(customer), path).toEqual([]);
  }
  await customer.goto(`/orders/${delivered}`);
  await live(customer);
  await customer.locator(".then").nth(1).tap();
  await expect(customer.getByTestId("past")).toBeVisible();
  expect.soft(await tooSmall(customer), "an order as it was").toEqual([]);
  await desk.goto("/desk");
  await live(desk);
  expect.soft(await tooSmall(desk), "/desk").toEqual([]);
});
