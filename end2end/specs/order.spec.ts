// From the cart to an order, and what can come between.

import { expect, live, signIn, test } from "../fixtures";
import { checkOut } from "../support/shopping";

test("an order is placed once, however often the button is pressed", async ({ page, api }) => {
  const ada = await api("ada");
  const placed = async (): Promise<number> => (await ada.log("order.*.placed")).length;
  const before = await placed();
  await signIn(page, "Ada");
  await checkOut(page, "pot-terracotta");
  await live(page);
  await page.getByRole("button", { name: /^Place order/ }).dblclick();
  await expect(page).toHaveURL(/\/orders\/[0-9a-f-]{36}$/);
  await expect(page.getByTestId("timeline")).toContainText("The order was placed");
  await page.goBack();
  await expect(page.getByRole("heading", { name: "Your cart is empty" })).toBeVisible();
  await page.goForward();
  await expect(page.getByTestId("timeline")).toContainText("The order was placed");
  expect(await placed()).toBe(before + 1);
  await page.goto("/orders");
  await expect(page.locator(".order-row").first()).toContainText("Terracotta pot");
  await page.goto("/cart");
  await expect(page.getByRole("heading", { name: "Your cart is empty" })).toBeVisible();
});

test("an answer that was lost is asked for again, and there is one order", async ({ page, api, complaints }) => {
  complaints.allowBrokenWire();
  const ada = await api("ada");
  const placed = async (): Promise<number> => (await ada.log("order.*.placed")).length;
  const before = await placed();
  await signIn(page, "Ada");
  await checkOut(page, "pot-terracotta");
  await live(page);
  // The server hears it; the page does not hear the server, once.
  let lost = 0;
  await page.route("**/fn/**", async (route) => {
    if (lost > 0 || !route.request().postData()?.includes("order.place")) return void (await route.continue());
    lost += 1;
    await route.fetch();
    await route.abort("connectionreset");
  });
  await page.getByRole("button", { name: /^Place order/ }).click();
  await expect(page.getByRole("alert").filter({ hasText: "Trying again…" })).toBeVisible();
  await expect(page).toHaveURL(/\/orders\/[0-9a-f-]{36}$/);
  await expect(page.getByTestId("timeline")).toContainText("The order was placed");
  expect([lost, await placed()]).toEqual([1, before + 1]);
});

test("without a connection nothing is ordered, and it says so", async ({ page, wire, api, complaints }) => {
  complaints.allowBrokenWire();
  await signIn(page, "Bo", wire.url);
  await page.goto(`${wire.url}/shop/watering-can`);
  await page.getByRole("button", { name: /^Add / }).click();
  await expect(page.getByText(/in cart/)).toBeVisible();
  await page.goto(`${wire.url}/checkout`);
  await live(page);
  const place = page.getByRole("button", { name: /^Place order/ });
  await expect(place).toBeEnabled();
  wire.cut();
  await expect(page.getByText("There is no connection at the moment.")).toBeVisible();
  await expect(page.getByTestId("as-of").first()).toBeVisible();
  await expect(place).toBeDisabled();
  wire.mend();
  await expect(place).toBeEnabled();
  await (await api("bo")).run("cart.remove_item", { sku: "watering-can" });
});

test("a quantity that cannot be is said where it stands, and the cart stays as it was", async ({ page, api }) => {
  const bo = await api("bo");
  await signIn(page, "Bo");
  await checkOut(page, "pot-terracotta");
  await page.goto("/cart");
  await live(page);
  const set = async (): Promise<number> => (await bo.log("cart.*.quantity_changed")).length;
  const before = await set();
  const quantity = page.getByLabel("Quantity of Terracotta pot");
  for (const wrong of ["0", "-1", "100", "1.5", ""]) {
    await quantity.fill(wrong);
    await quantity.press("Tab");
    // The browser says what is wrong, and leads back to it.
    await expect(quantity).toBeFocused();
    expect(await quantity.evaluate((field: HTMLInputElement) => field.validationMessage)).not.toBe("");
  }
  expect(await set()).toBe(before);
  await quantity.fill("2");
  await quantity.press("Tab");
  await expect.poll(set).toBe(before + 1);
  await bo.run("cart.remove_item", { sku: "pot-terracotta" });
});

test("a price that moves while one checks out is asked about", async ({ page, api }) => {
  const bo = await api("bo");
  await signIn(page, "Bo");
  await checkOut(page, "watering-can");
  await live(page);
  await bo.run("catalog.change_price", { sku: "watering-can", price_cents: 4_100 });
  await expect(page.getByRole("alert").filter({ hasText: "from €38.00 to €41.00" })).toBeVisible();
  const place = page.getByRole("button", { name: /^Place order/ });
  await expect(place).toBeDisabled();
  await page.getByRole("button", { name: "That is fine" }).click();
  await place.click();
  await expect(page).toHaveURL(/\/orders\/[0-9a-f-]{36}$/);
});

test("a product that is retired while it lies in the cart is said, and stands in the way", async ({ page, api }) => {
  const olga = await api("olga");
  await olga.run("catalog.list_product", { sku: "jug-short-lived", title: "Short-lived jug", price_cents: 1_200 });
  await olga.run("stock.receive", { sku: "jug-short-lived", quantity: 3 });
  await signIn(page, "Bo");
  await checkOut(page, "jug-short-lived");
  await live(page);
  await olga.run("catalog.retire_product", { sku: "jug-short-lived" });
  await expect(page.getByText("“Short-lived jug” is not sold any more.")).toBeVisible();
  await expect(page.getByRole("button", { name: /^Place order/ })).toBeDisabled();
  await page.getByRole("link", { name: "Change the cart" }).click();
  await expect(page.getByText("Not sold any more. Take it out to order the rest.")).toBeVisible();
  await page.getByRole("button", { name: "Take Short-lived jug out" }).click();
  await expect(page.getByRole("heading", { name: "Your cart is empty" })).toBeVisible();
});

test("what there is too little of is said before, as the stock has it", async ({ page, api }) => {
  const olga = await api("olga");
  const [sku, title] = ["clock-tower", "Tower clock"];
  await olga.run("catalog.list_product", { sku, title, price_cents: 123_456 });
  await olga.run("stock.receive", { sku, quantity: 1 });
  await olga.run("catalog.list_product", { sku: "nail-brass", title: "Brass nail", price_cents: 4 });
  await olga.run("stock.receive", { sku: "nail-brass", quantity: 1_200 });
  await page.goto("/shop/nail-brass");
  await expect(page.locator(".product .stock")).toHaveText("1,200 in stock");
  await signIn(page, "Bo");
  await checkOut(page, sku);
  await page.goto("/cart");
  await live(page);
  await page.getByLabel(`Quantity of ${title}`).fill("2");
  await page.getByLabel(`Quantity of ${title}`).press("Enter");
  await expect(page.getByText("You want 2, and only 1 is left.")).toBeVisible();
  await page.getByRole("link", { name: "Check out" }).click();
  await expect(page.getByText(`You want 2 of “${title}”, and only 1 is left.`)).toBeVisible();
  await expect(page.getByRole("button", { name: "Place order · €2,469.12" })).toBeDisabled();
  await page.getByRole("link", { name: "Change the cart" }).click();
  await page.getByRole("button", { name: `Take ${title} out` }).click();
  await expect(page.getByRole("heading", { name: "Your cart is empty" })).toBeVisible();
});

test("money that is missing is said before", async ({ page, api }) => {
  const olga = await api("olga");
  await olga.run("cart.add_item", { sku: "rug-runner", quantity: 3 });
  await signIn(page, "Olga");
  await page.goto("/checkout");
  await live(page);
  await expect(page.getByText("€230.00 are missing")).toBeVisible();
  await expect(page.getByRole("button", { name: /^Place order/ })).toBeDisabled();
  await olga.run("wallet.deposit", { amount_cents: 23_000 });
  await expect(page.getByRole("button", { name: /^Place order/ })).toBeEnabled();
  await olga.run("cart.remove_item", { sku: "rug-runner" });
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("an order is placed and cancelled; sent again, it is the same order", async ({
    page,
    another,
    api,
    complaints,
  }) => {
    complaints.allowStatus(404);
    const bo = await api("bo");
    const before = (await bo.log("order.*.placed")).length;
    await signIn(page, "Bo");
    await checkOut(page, "birdhouse-cedar");
    const form = page.locator("form.checkout");
    const hidden = await form.locator("input[type=hidden]").evaluateAll((fields) =>
      fields.map((field) => [(field as HTMLInputElement).name, (field as HTMLInputElement).value]),
    );
    const fields = { ...(Object.fromEntries(hidden) as Record<string, string>), address: "1 Mill Lane" };
    await page.getByRole("button", { name: /^Place order/ }).click();
    await expect(page).toHaveURL(/\/orders\/[0-9a-f-]{36}$/);
    const address = page.url();
    const headers = { origin: new URL(address).origin };
    const again = await page.request.post("/checkout", { form: fields, headers });
    expect(again.url()).toBe(address);
    await page.goBack();
    await expect(page.getByRole("heading", { name: "Your cart is empty" })).toBeVisible();
    await page.goForward();
    await page.getByText("Cancel this order").click();
    await page.getByRole("button", { name: "Yes, cancel it" }).click();
    await expect(page.getByTestId("status")).toHaveText("Cancelled");
    await expect(page.getByRole("alert")).toContainText("on request");
    expect((await bo.log("order.*.placed")).length).toBe(before + 1);

    const stranger = await another();
    await signIn(stranger, "Ada");
    const answer = await stranger.goto(address);
    expect(answer?.status()).toBe(404);
  });

  test("a price that has moved comes back with both prices and what was typed", async ({ page, api, complaints }) => {
    complaints.allowStatus(409);
    const olga = await api("olga");
    await signIn(page, "Ada");
    await checkOut(page, "towel-waffle");
    await olga.run("catalog.change_price", { sku: "towel-waffle", price_cents: 2_500 });
    await page.getByRole("button", { name: /^Place order/ }).click();
    await expect(page.getByRole("alert").filter({ hasText: "costs €25.00 now; it was €22.00" })).toBeVisible();
    await expect(page.getByLabel("Where shall it go?")).toHaveValue("1 Mill Lane");
    await page.getByRole("button", { name: "Place order · €25.00" }).click();
    await expect(page).toHaveURL(/\/orders\/[0-9a-f-]{36}$/);
  });

  test("a product that is retired while it lies in the cart is not ordered", async ({ page, api, complaints }) => {
    complaints.allowStatus(409);
    const olga = await api("olga");
    await olga.run("catalog.list_product", { sku: "vase-short-lived", title: "Short-lived vase", price_cents: 1_200 });
    await olga.run("stock.receive", { sku: "vase-short-lived", quantity: 3 });
    await signIn(page, "Bo");
    await checkOut(page, "vase-short-lived");
    await olga.run("catalog.retire_product", { sku: "vase-short-lived" });
    await page.getByRole("button", { name: /^Place order/ }).click();
    await expect(page.getByRole("alert").filter({ hasText: "Short-lived vase" })).toBeVisible();
    await page.goto("/cart");
    await page.getByRole("button", { name: "Take Short-lived vase out" }).click();
    await expect(page.getByRole("heading", { name: "Your cart is empty" })).toBeVisible();
  });
});
