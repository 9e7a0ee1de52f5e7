// The desk: what is new waits until it is asked for, what is claimed is claimed once, and all of it works
// without scripts. And the bell.

import { randomUUID } from "node:crypto";
import { type Api, expect, live, type Page, signIn, test } from "../fixtures";

/** Puts an order of Ada's on the desk; returns its id. */
async function order(staff: Api, ada: Api): Promise<string> {
  const sku = `t-${randomUUID().slice(0, 8)}`;
  await staff.run("catalog.list_product", { sku, title: `Cup ${sku}`, price_cents: 900 });
  await staff.run("stock.receive", { sku, quantity: 5 });
  await ada.run("cart.add_item", { sku, quantity: 2 });
  await ada.run("order.place", { expected_total_cents: 1800 });
  const placed = (await ada.log("order.*.placed")).at(-1);
  return String(placed?.data["order"]);
}

function row(page: Page, id: string) {
  return page.locator(`[data-order="${id}"]`);
}

test("a new order is announced and laid down only when asked for", async ({ page, api }) => {
  const [olga, ada] = [await api("olga"), await api("ada")];
  const first = await order(olga, ada);
  await signIn(page, "Bo");
  await page.goto("/desk");
  await live(page);
  await expect(row(page, first)).toBeVisible();
  const second = await order(olga, ada);
  const news = page.locator(".desk-news");
  await expect(news).toContainText("new");
  await expect(row(page, second)).toHaveCount(0);
  await news.getByRole("link").click();
  await expect(row(page, second)).toBeVisible();
});

for (const javaScriptEnabled of [true, false]) {
  test(`an order is claimed once, and who was late is told who was first (scripts: ${javaScriptEnabled})`, async ({
    another,
    api,
    complaints,
  }) => {
    complaints.allowStatus(409);
    const [olga, ada] = [await api("olga"), await api("ada")];
    const [mine, lost] = [await order(olga, ada), await order(olga, ada)];
    const page = await another({ javaScriptEnabled });
    await signIn(page, "Bo");
    await page.goto("/desk");
    if (javaScriptEnabled) await live(page);
    await row(page, mine).getByRole("button", { name: "Claim" }).click();
    await expect(row(page, mine)).toContainText("You look after it");
    // Without scripts the page is as old as its last load; with them, the button goes as soon as it is lost.
    if (javaScriptEnabled) {
      await olga.run("order.claim", { order: lost });
      await expect(row(page, lost)).toContainText("Olga looks after it");
      await expect(row(page, lost).getByRole("button", { name: "Claim" })).toHaveCount(0);
    } else {
      await olga.run("order.claim", { order: lost });
      await row(page, lost).getByRole("button", { name: "Claim" }).click();
      await expect(row(page, lost)).toContainText("Olga claimed this order before you");
    }
  });
}

test("the desk is for the staff", async ({ page, complaints }) => {
  complaints.allowStatus(404);
  await signIn(page, "Ada");
  await expect(page.getByRole("link", { name: "Desk", exact: true })).toHaveCount(0);
  await page.goto("/desk");
  await expect(page.getByRole("heading", { name: "This is not here" })).toBeVisible();
});

test("nothing was said yet, and the bell says so", async ({ page }) => {
  await signIn(page, "Olga");
  await page.goto("/notifications");
  await expect(page.getByRole("heading", { name: "Notifications" })).toBeVisible();
});
