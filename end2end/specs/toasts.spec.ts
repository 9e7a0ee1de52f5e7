// What becomes of one's orders is said wherever one is, unless it is to be seen there anyway.

import { expect, listenToAnnouncer, live, type Page, signIn, test } from "../fixtures";
import { order } from "../support/shopping";

// A server of its own, since whoever has ordered much of late has to wait for the desk; and quick couriers.
test.use({ settings: { HUBBUB_COURIER_PACE_MS: "300" } });

function toast(page: Page, text: string) {
  return page.locator(".toast", { hasText: text });
}

test("what becomes of an order is told on other pages, until it is put away or its time is over", async ({
  page,
  api,
}) => {
  const [ada, bo] = [await api("ada"), await api("bo")];
  await page.clock.install();
  await signIn(page, "Ada");
  await page.goto("/shop");
  await live(page);
  const heard = await listenToAnnouncer(page);
  const id = await order(ada, 2_900, ["bowl-ash", 1]);
  const confirmed = toast(page, `Your order ${id.slice(-6)} is confirmed.`);
  await expect(confirmed).toBeVisible();
  await page.clock.runFor(600);
  expect(await heard()).toContain(`Your order ${id.slice(-6)} is confirmed.`);

  await confirmed.hover();
  await page.clock.runFor(20_000);
  await expect(confirmed, "somebody is at it").toBeVisible();
  await page.mouse.move(0, 0);
  await page.clock.runFor(2_000);
  await expect(confirmed).toHaveCount(0);

  await bo.run("order.dispatch", { order: id });
  const underway = toast(page, `Your order ${id.slice(-6)} is on its way.`);
  await underway.getByRole("button", { name: "Close" }).focus();
  await page.keyboard.press("Escape");
  await expect(underway).toHaveCount(0);
  await expect(page.locator("#main")).toBeFocused();

  const arrived = toast(page, `Your order ${id.slice(-6)} has arrived.`);
  await arrived.getByRole("link", { name: "Show" }).click();
  await expect(page).toHaveURL(new RegExp(`/orders/${id}$`));
  await expect(arrived).toHaveCount(0);
});

test("what one sees already is not told", async ({ page, api }) => {
  const ada = await api("ada");
  await signIn(page, "Ada");
  const id = await order(ada, 2_900, ["bowl-ash", 1]);
  await page.goto(`/orders/${id}`);
  await live(page);
  await expect(page.getByTestId("status")).toHaveText("Confirmed");
  await ada.run("order.cancel", { order: id });
  await expect(page.getByTestId("status")).toHaveText("Cancelled");
  const raised = async (): Promise<string[]> =>
    (await ada.log(`notification.${ada.user}.raised`)).map((event) => String(event.data["text"]));
  await expect.poll(raised).toContain(`Your order ${id.slice(-6)} was cancelled: you asked for it.`);
  await expect(page.getByTestId("bell")).toContainText(String((await raised()).length));
  await expect(page.locator(".toast")).toHaveCount(0);
});
