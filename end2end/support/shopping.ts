// What a test finds in the shop once somebody has bought something there.

import { expect, type Page } from "@playwright/test";
import type { Api } from "./api";

/** Orders in different states. */
export interface Bought {
  delivered: string;
  flagged: string;
  cancelled: string;
}

/** Puts one piece into the cart and goes to check out. */
export async function checkOut(page: Page, sku: string): Promise<void> {
  await page.goto(`/shop/${sku}`);
  await page.getByRole("button", { name: /^Add / }).click();
  await expect(page.getByText(/in cart/)).toBeVisible();
  await page.goto("/checkout");
  await page.getByLabel("Where shall it go?").fill("1 Mill Lane");
}

/** Places an order; returns its id. What it costs is said in cents. */
export async function order(buyer: Api, cents: number, ...lines: [sku: string, quantity: number][]): Promise<string> {
  for (const [sku, quantity] of lines) await buyer.run("cart.add_item", { sku, quantity });
  const address = "Ada Lovelace\n1 Mill Lane\nMarylebone";
  await buyer.run("order.place", { expected_total_cents: cents, address });
  return String((await buyer.log("order.*.placed")).at(-1)?.data["order"]);
}

/** Waits until something has happened to an order. */
export async function happened(buyer: Api, id: string, type: string): Promise<void> {
  const [topic, name] = type.split(".");
  await expect.poll(async () => (await buyer.log(`${topic}.${id}.${name}`)).length, { message: type }).toBe(1);
}

/** The address of an order's page as it was when it was confirmed. */
export async function asConfirmed(buyer: Api, id: string): Promise<string> {
  const [confirmed] = await buyer.log(`order.${id}.confirmed`);
  return `/orders/${id}?at=${Number(confirmed?.sequence)}`;
}

/** Orders of a customer's in different states, a cart that is not empty, and a word about one of the orders. */
export async function bought(customer: Api, desk: Api): Promise<Bought> {
  await customer.run("wallet.deposit", { amount_cents: 100_000 });
  const delivered = await order(customer, 6_600, ["enamel-kettle", 1], ["mug-speckled", 1]);
  await happened(customer, delivered, "order.confirmed");
  await desk.run("order.claim", { order: delivered });
  await desk.run("order.dispatch", { order: delivered });
  await happened(customer, delivered, "order.delivered");
  const cancelled = await order(customer, 12_900, ["lamp-mushroom", 1]);
  await happened(customer, cancelled, "order.confirmed");
  await customer.run("order.cancel", { order: cancelled });
  const waiting = await order(customer, 4_650, ["candlestick-brass", 1], ["towel-waffle", 1]);
  await happened(customer, waiting, "order.confirmed");
  const flagged = await order(customer, 63_000, ["rug-runner", 3]);
  await happened(customer, flagged, "review.flagged");
  await customer.run("cart.add_item", { sku: "blanket-herringbone", quantity: 1 });
  await customer.run("cart.add_item", { sku: "pendant-dome", quantity: 2 });
  await customer.run("cart.add_item", { sku: "pot-terracotta", quantity: 12 });
  await desk.run("catalog.change_price", { sku: "blanket-herringbone", price_cents: 9_900 });
  await customer.say("help", `May I still change the address of #${waiting.slice(-6)}?`);
  await desk.say("help", "Until it is handed to the courier, yes. I hold it back for you.");
  return { delivered, flagged, cancelled };
}
