// Looking back: an order and a wallet as they were at one of their steps, live pages notwithstanding, and without a
// script.

import { type Api, expect, live, type Page, signIn, test } from "../fixtures";
import { happened, order } from "../support/shopping";

// Couriers that need not be waited for.
test.use({ settings: { HUBBUB_COURIER_PACE_MS: "50" } });

/** An order that waits to be dispatched. */
async function confirmed(buyer: Api): Promise<string> {
  const id = await order(buyer, 1_650, ["pot-terracotta", 1]);
  await happened(buyer, id, "shipment.created");
  return id;
}

function bar(page: Page) {
  return page.getByTestId("past");
}

/** A step of the timeline, by what happened. */
function step(page: Page, what: string) {
  const exactly = page.locator(".happened-what").getByText(what, { exact: true });
  return page.locator(".happened").filter({ has: exactly });
}

test("an order is looked back at step by step, and stands still meanwhile", async ({ page, api }) => {
  const [ada, bo] = [await api("ada"), await api("bo")];
  const id = await confirmed(ada);
  await signIn(page, "Ada");
  await page.goto(`/orders/${id}`);
  await live(page);
  const status = page.getByTestId("status");
  await expect(status).toHaveText("Confirmed");

  await step(page, "The order was placed").getByRole("link").click();
  await expect(page).toHaveURL(/\?at=\d+$/);
  await expect(bar(page)).toContainText(/As it was: Today, \d\d:\d\d\. The order was placed/);
  await expect(bar(page)).toBeFocused();
  await expect(status).toHaveText("Being checked");
  await expect(page.locator(".check").first()).toHaveText("Stockasked");
  await expect(step(page, "The order was placed")).toHaveAttribute("data-seen", "shown");
  await expect(step(page, "The order is confirmed")).toHaveAttribute("data-seen", "later");
  await expect(bar(page).getByRole("link")).toHaveText(["Later", "Back to now"]);
  for (const action of ["Cancel this order", "Put it all in the cart again"]) {
    await expect(page.getByText(action)).toHaveCount(0);
  }

  await bo.run("order.dispatch", { order: id });
  await happened(ada, id, "order.delivered");
  await expect(status).toHaveText("Being checked");
  await expect(step(page, "The parcel has arrived")).toHaveCount(0);

  await bar(page).getByRole("link", { name: "Later" }).click();
  await expect(bar(page)).toContainText("Everything is kept for it");
  await expect(page.locator(".check").first()).toHaveText("Stockkept for you");
  await expect(step(page, "The parcel has arrived")).toHaveAttribute("data-seen", "later");
  await page.goBack();
  await expect(bar(page)).toContainText("The order was placed");
  await bar(page).getByRole("link", { name: "Back to now" }).click();
  await expect(page).toHaveURL(new RegExp(`/orders/${id}$`));
  await expect(bar(page)).toHaveCount(0);
  await expect(status).toHaveText("Delivered");
  await expect(page.locator("#main")).toBeFocused();
});

test("a wallet is looked back at entry by entry", async ({ page, api }) => {
  const olga = await api("olga");
  await olga.run("wallet.deposit", { amount_cents: 700_00 });
  await signIn(page, "Olga");
  await page.goto("/wallet");
  await live(page);
  const available = page.getByTestId("available");
  const before = await available.innerText();
  await page.getByRole("button", { name: "€250.00" }).click();
  await expect(available).not.toHaveText(before);
  const after = await available.innerText();

  await page.locator(".entry").nth(1).getByRole("link", { name: /as it was then/ }).click();
  await expect(available).toHaveText(before);
  await expect(bar(page)).toContainText("Put in");
  await expect(page.getByRole("button", { name: "€250.00" })).toHaveCount(0);
  await expect(page.locator(".entry").first()).toHaveAttribute("data-seen", "later");
  await olga.run("wallet.deposit", { amount_cents: 100 });
  await expect(available).toHaveText(before);
  await bar(page).getByRole("link", { name: "Later" }).click();
  await expect(available).toHaveText(after);
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("the past is addresses, and one that leads nowhere says so", async ({ page, api, complaints }) => {
    const ada = await api("ada");
    const id = await confirmed(ada);
    await signIn(page, "Ada");
    await page.goto(`/orders/${id}`);
    await step(page, "The money is held").getByRole("link").click();
    await expect(bar(page)).toContainText("The money is held");
    await expect(page.getByTestId("status")).toHaveText("Being checked");
    await bar(page).getByRole("link", { name: "Earlier" }).click();
    await expect(bar(page)).toContainText("Nothing unusual was found");
    await page.goBack();
    await expect(bar(page)).toContainText("The money is held");
    await bar(page).getByRole("link", { name: "Back to now" }).click();
    await expect(page.getByTestId("status")).toHaveText("Confirmed");

    complaints.allowStatus(400);
    complaints.allowStatus(404);
    const nowhere = [
      ["999999999", 400, "That lies in the future"],
      ["2999-01-01T00:00:00Z", 400, "That lies in the future"],
      ["yesterday", 400, "“yesterday” is neither a position of the log nor an instant"],
      ["-1", 400, "neither a position of the log nor an instant"],
      ["1", 404, "This was not there yet at that time."],
      ["2001-01-01T00:00:00Z", 404, "This was not there yet at that time."],
    ] as const;
    for (const path of [`/orders/${id}`, "/wallet"]) {
      for (const [at, status, why] of nowhere) {
        const answer = await page.goto(`${path}?at=${at}`);
        expect(answer?.status(), at).toBe(status);
        await expect(page.locator(".problem")).toContainText(why);
        await expect(page.getByRole("link", { name: "Back to now" })).toHaveAttribute("href", path);
      }
    }
    // An instant is as good as a position.
    const now = new Date().toISOString();
    await page.goto(`/orders/${id}?at=${now}`);
    await expect(page.getByTestId("status")).toHaveText("Confirmed");
    await expect(bar(page)).toBeVisible();
  });
});
