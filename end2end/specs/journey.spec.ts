// One purchase from the shelf to the doorstep, with a customer in one browser and the desk in another: live, and
// without a script.

import { expect, live, type Page, signIn, test } from "../fixtures";

// Couriers that need not be waited for.
test.use({ settings: { HUBBUB_COURIER_PACE_MS: "50" } });

/** What a large order goes through: what happened, who did it, and what it followed from. What follows from the
 * same may come in any order. */
const STORY = [
  ["The order was placed", "The customer"],
  ["Everything is kept for it", "inventory", "the order was placed"],
  ["A person shall look at it", "review", "everything is kept for it"],
  ["The review was passed", "Bo"],
  ["The money is held", "payment", "the review was passed"],
  ["The order is confirmed", "orders", "the money is held"],
  ["There is a parcel", "shipping", "the money is held"],
  ["It was handed to the courier", "Bo"],
  ["The parcel is on its way", "shipping", "it was handed to the courier"],
  ["It has left the shelf", "inventory", "it was handed to the courier"],
  ["The parcel has arrived", "couriers/demo"],
  ["The order is complete", "orders", "the parcel has arrived"],
  ["The money was taken", "payment", "the parcel has arrived"],
].sort();

/** Goes from the shelf to the order, the way a person does; leaves the order's page open. */
async function buy(page: Page, title: string, quantity: number): Promise<void> {
  await page.getByRole("link", { name: "Shop", exact: true }).click();
  await page.getByRole("link", { name: title }).click();
  await page.getByLabel("Quantity", { exact: true }).fill(String(quantity));
  await page.getByRole("button", { name: `Add ${title} to the cart` }).click();
  await expect(page.getByText(`${quantity} in cart`)).toBeVisible();
  await page.getByRole("link", { name: /^Cart/ }).click();
  await page.getByRole("link", { name: "Check out" }).click();
  await page.getByLabel("Where shall it go?").fill("1 Mill Lane");
  await page.getByRole("button", { name: /^Place order/ }).click();
  await expect(page).toHaveURL(/\/orders\/[0-9a-f-]{36}$/);
}

/** Puts money into the wallet until a large order can be paid. */
async function save(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Wallet" }).click();
  await page.getByRole("button", { name: "€250.00" }).click();
  await expect(page.getByTestId("available")).toHaveText("€650.00");
}

/** What the customer reads of the order's past, told as [`STORY`] is. */
async function story(page: Page): Promise<string[][]> {
  const happened = page.getByTestId("timeline").locator(".happened");
  const told = await happened.evaluateAll((entries) =>
    entries.map((entry) => {
      const read = (part: string) => entry.querySelector(part)?.textContent?.trim() ?? "";
      return [read(".happened-what"), ...read(".happened-who").split(", because: ").map((part) => part.trim())];
    }),
  );
  return told.sort();
}

/** Counts from now on how often the page goes elsewhere, reloads included. */
function navigations(page: Page): () => number {
  let count = 0;
  page.on("framenavigated", () => (count += 1));
  return () => count;
}

test("an order moves from the shelf to the doorstep under the eyes of the customer and of the desk", async ({
  page: ada,
  another,
}) => {
  const bo = await another();
  await Promise.all([signIn(ada, "Ada"), signIn(bo, "Bo")]);
  await bo.goto("/desk");
  await live(bo);
  await expect(bo.getByRole("heading", { name: "All clear" })).toBeVisible();
  await live(ada);
  await ada.evaluate(() => Object.assign(window, { stayed: true }));
  await save(ada);
  await buy(ada, "Hallway runner", 3);
  const [customer, desk] = [navigations(ada), navigations(bo)];
  await expect(ada.getByTestId("status")).toHaveText("Being checked");
  await expect(ada.getByText("Somebody looks at it first, because it is a large order.")).toBeVisible();

  const id = ada.url().split("/").at(-1);
  const row = bo.locator(`[data-order="${id}"]`);
  await bo.getByRole("link", { name: "1 new" }).click();
  await expect(bo.getByRole("region", { name: /^To review/ }).locator(row)).toContainText("Unusually large");
  await row.getByRole("button", { name: /^Approve/ }).click();
  await expect(row).toContainText("Ready to dispatch");
  await expect(ada.getByTestId("status")).toHaveText("Confirmed");
  await row.getByRole("button", { name: /^Dispatch/ }).click();
  await expect(row).toContainText("Delivered");
  await bo.getByRole("link", { name: "1 moved on" }).click();
  await expect(bo.getByRole("region", { name: /^Closed/ }).locator(row)).toBeVisible();

  await expect(ada.getByTestId("status")).toHaveText("Delivered");
  await expect(ada.getByTestId("map")).toContainText("It has arrived.");
  await expect.poll(() => story(ada)).toEqual(STORY);
  expect([customer(), desk()], "nobody was sent anywhere").toEqual([0, 0]);
  const stayed = await ada.evaluate(() => "stayed" in window);
  expect(stayed, "from the wallet to the doorstep, the customer's page was loaded once").toBe(true);
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  /** Looks again and again, as somebody does who has no script, until it says so. */
  async function until(page: Page, look: () => Promise<void>): Promise<void> {
    await expect(async () => {
      await page.reload();
      await look();
    }).toPass();
  }

  test("the same purchase is made with forms alone", async ({ page: olga, another }) => {
    const bo = await another({ javaScriptEnabled: false });
    await Promise.all([signIn(olga, "Olga"), signIn(bo, "Bo")]);
    await save(olga);
    await buy(olga, "Mushroom lamp", 4);
    const id = olga.url().split("/").at(-1);
    const row = bo.locator(`[data-order="${id}"]`);
    await bo.goto("/desk");
    await until(bo, () => expect(row).toContainText("Unusually large", { timeout: 100 }));
    await row.getByRole("button", { name: /^Approve/ }).click();
    await until(bo, () => expect(row).toContainText("Ready to dispatch", { timeout: 100 }));
    await row.getByRole("button", { name: /^Dispatch/ }).click();
    await until(olga, () => expect(olga.getByTestId("status")).toHaveText("Delivered", { timeout: 100 }));
    await until(olga, async () => expect(await story(olga)).toEqual(STORY));
  });
});
