// What goes wrong with an order is said on its page, as it happens: why, and what became of the money.

import { randomUUID } from "node:crypto";
import { type Api, expect, live, type Page, signIn, test } from "../fixtures";
import { checkOut, happened, order } from "../support/shopping";

// No courier is quicker than the test.
test.use({ settings: { HUBBUB_COURIER_PACE_MS: "3600000" } });

/** A product of this test's own. */
async function product(staff: Api, pieces: number, price_cents: number): Promise<{ sku: string; title: string }> {
  const sku = `t-${randomUUID().slice(0, 8)}`;
  const title = `Vase ${sku}`;
  await staff.run("catalog.list_product", { sku, title, price_cents });
  await staff.run("stock.receive", { sku, quantity: pieces });
  return { sku, title };
}

/** Goes all the way to the button. */
async function toTheButton(page: Page, persona: "Ada" | "Bo", sku: string): Promise<void> {
  await signIn(page, persona);
  await checkOut(page, sku);
  await live(page);
}

/** Opens an order's page and waits until it is live. */
async function open(page: Page, id: string): Promise<void> {
  await signIn(page, "Ada");
  await page.goto(`/orders/${id}`);
  await live(page);
}

async function said(page: Page, ...sentences: string[]): Promise<void> {
  await expect(page.getByTestId("status")).toHaveText("Cancelled");
  for (const sentence of sentences) await expect(page.getByRole("alert").filter({ hasText: sentence })).toBeVisible();
}

test("of the last one there is one, and who comes second is told what happened", async ({ page, another, api }) => {
  const olga = await api("olga");
  const { sku, title } = await product(olga, 1, 900);
  const other = await another();
  await toTheButton(page, "Ada", sku);
  await toTheButton(other, "Bo", sku);
  // Both have ordered before anybody looks into the stock.
  await olga.run("service.pause", { service: "inventory" });
  for (const side of [page, other]) {
    await side.getByRole("button", { name: /^Place order/ }).click();
    await expect(side).toHaveURL(/\/orders\/[0-9a-f-]{36}$/);
  }
  await olga.run("service.resume", { service: "inventory" });
  await expect(page.getByTestId("status")).toHaveText("Confirmed");
  await said(
    other,
    "There was not enough in stock.",
    `“${title}” is sold out: somebody bought the last one a moment ago.`,
    "Nothing was taken from your wallet.",
  );
});

test("money that is there once does not pay twice, and the stock goes back", async ({ page, api }) => {
  const [olga, ada] = [await api("olga"), await api("ada")];
  await olga.run("service.pause", { service: "payment" });
  const { sku } = await product(olga, 2, 25_000);
  const first = await order(ada, 25_000, [sku, 1]);
  const second = await order(ada, 25_000, [sku, 1]);
  await open(page, second);
  await olga.run("service.resume", { service: "payment" });
  await said(page, "The payment was declined. There was not enough in the wallet. Nothing was taken from your wallet.");
  await happened(ada, first, "order.confirmed");
  await page.goto(`/shop/${sku}`);
  await expect(page.locator(".product .stock")).toHaveText("Last one");
  await ada.run("order.cancel", { order: first });
});

test("who is told no by the desk hears it where the order is", async ({ page, api }) => {
  const [olga, ada, bo] = [await api("olga"), await api("ada"), await api("bo")];
  const { sku } = await product(olga, 3, 60_000);
  await ada.run("wallet.deposit", { amount_cents: 60_000 });
  const large = await order(ada, 60_000, [sku, 1]);
  await happened(ada, large, "review.flagged");
  await open(page, large);
  await bo.run("review.reject", { order: large, reason: "Nobody answers at that number." });
  await said(page, "Somebody looked at it and said no. Nothing was taken from your wallet.");
});

test("a parcel that cannot be delivered gives the money back", async ({ page, api }) => {
  const [olga, ada, bo] = [await api("olga"), await api("ada"), await api("bo")];
  const { sku } = await product(olga, 1, 1_500);
  const lost = await order(ada, 1_500, [sku, 1]);
  await happened(ada, lost, "order.confirmed");
  await bo.run("order.dispatch", { order: lost });
  await happened(ada, lost, "shipment.dispatched");
  await open(page, lost);
  await expect(page.getByTestId("status")).toHaveText("On its way");
  await bo.report("courier.failed", { order: lost, reason: "lost" });
  await said(page, "The courier could not deliver it.", "You have your money back.");
});
