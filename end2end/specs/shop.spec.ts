// The shop: what is sold, what is in the cart, live and without a script.

import { expect, live, signIn, test } from "../fixtures";

test.describe("with a script", () => {
  test("stock and price change on the shelf while one looks, in every tab", async ({ page, context, api }) => {
    const bo = await api("bo");
    await page.goto("/shop");
    await live(page);
    const other = await context.newPage();
    await other.goto("/shop/mug-speckled");
    await live(other);
    const card = page.locator("[data-sku=mug-speckled]");
    const before = Number((await card.locator(".stock").innerText()).split(" ")[0]);
    await bo.run("stock.receive", { sku: "mug-speckled", quantity: 7 });
    for (const shown of [card, other.locator(".product")]) {
      await expect(shown.locator(".stock")).toHaveText(`${before + 7} in stock`);
    }
    await bo.run("catalog.change_price", { sku: "mug-speckled", price_cents: 1_950 });
    await expect(card.locator(".price")).toHaveText("€19.50");
    await expect(other.locator(".product .price")).toHaveText("€19.50");
    await bo.run("catalog.change_price", { sku: "mug-speckled", price_cents: 1_800 });
    await expect(card.locator(".price")).toHaveText("€18.00");
  });

  test("what is asked for stands in the address, and nothing found can be cleared", async ({ page }) => {
    await page.goto("/shop");
    await live(page);
    await page.getByRole("searchbox").fill("kettle");
    await expect(page).toHaveURL(/\/shop\?q=kettle$/);
    await expect(page.locator(".product-card")).toHaveCount(1);
    await page.getByRole("searchbox").fill("no such thing");
    await expect(page.getByRole("heading", { name: "No matches" })).toBeVisible();
    await page.getByRole("link", { name: "Clear" }).click();
    await expect(page.getByRole("searchbox")).toHaveValue("");
    await expect(page.locator(".product-card").nth(5)).toBeVisible();
  });

  test("two tabs agree on the cart", async ({ page, context }) => {
    await signIn(page, "Ada");
    await page.goto("/shop/bowl-ash");
    await live(page);
    const other = await context.newPage();
    await other.goto("/cart");
    await live(other);
    await page.getByRole("button", { name: "Add Ash salad bowl to the cart" }).click();
    await expect(page.getByText("1 in cart")).toBeVisible();
    const line = other.locator(".cart-line[data-sku=bowl-ash]");
    await expect(line).toBeVisible();
    await other.getByLabel("Quantity of Ash salad bowl").fill("3");
    await other.getByLabel("Quantity of Ash salad bowl").press("Enter");
    await expect(page.getByText("3 in cart")).toBeVisible();
    await other.getByRole("button", { name: "Take Ash salad bowl out" }).click();
    await expect(line).toHaveCount(0);
    await expect(page.getByText("in cart")).toHaveCount(0);
  });

  test("what was put in just before the page was left is in the cart", async ({ page }) => {
    await signIn(page, "Ada");
    for (const [next, shown] of [
      ["/cart", page.locator(".cart-line[data-sku=bowl-ash]")],
      ["/checkout", page.locator(".checkout .summary", { hasText: "Ash salad bowl" })],
    ] as const) {
      await page.goto("/shop/bowl-ash");
      await live(page);
      await page.evaluate((next) => {
        document.querySelector<HTMLButtonElement>("form.add button")!.click();
        location.assign(next);
      }, next);
      await expect(page).toHaveURL((url) => url.pathname === next);
      await expect(shown).toBeVisible();
      await page.goto("/cart");
      await live(page);
      await page.getByRole("button", { name: "Take Ash salad bowl out" }).click();
      await expect(page.getByRole("heading", { name: "Your cart is empty" })).toBeVisible();
    }
  });
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a product is found, put in the cart, changed and taken out", async ({ page }) => {
    await signIn(page, "Olga");
    await page.goto("/shop");
    await page.getByRole("searchbox").fill("candlestick");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("link", { name: "Brass candlestick" }).click();
    await page.getByLabel("Quantity").fill("2");
    await page.getByRole("button", { name: "Add Brass candlestick to the cart" }).click();
    await expect(page.getByText("2 in cart")).toBeVisible();
    await page.goto("/cart");
    await expect(page.getByTestId("total")).toHaveText("€49.00");
    await page.getByLabel("Quantity of Brass candlestick").fill("3");
    await page.getByRole("button", { name: "Change" }).click();
    await expect(page.getByTestId("total")).toHaveText("€73.50");
    await page.getByRole("button", { name: "Take Brass candlestick out" }).click();
    await expect(page.getByRole("heading", { name: "Your cart is empty" })).toBeVisible();
  });

  test("who is not signed in is led to do so", async ({ page, complaints }) => {
    complaints.allowStatus(401);
    await page.goto("/shop/enamel-kettle");
    await page.getByRole("link", { name: "Sign in to order" }).click();
    await expect(page).toHaveURL(/next=\/shop\/enamel-kettle$/);
    await page.goto("/cart");
    await expect(page.getByRole("heading", { name: "Sign in to see your cart" })).toBeVisible();
  });
});
