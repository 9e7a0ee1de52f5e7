// An order that is spoken of in a room: its card for those who may see it, live; its text for everybody else.

import { connection, expect, live, type Page, RoomPage, signIn, test } from "../fixtures";
import { order } from "../support/shopping";

function card(page: Page, id: string) {
  return page.locator(`.order-card[data-order="${id}"]`);
}

test("an order that is spoken of shows to its customer and to the desk, and to nobody else", async ({
  twoInARoom,
  another,
  api,
}) => {
  const { ada, bo, address, olga } = twoInARoom;
  const buyer = await api("olga");
  const id = await order(buyer, 3_200, ["pepper-mill", 1]);
  const text = `Where is #${id.slice(-6)}?`;
  const visitor = await RoomPage.open(await another(), address);

  await bo.saySettled(text);
  await expect(card(bo.page, id)).toContainText("Olga · Beech pepper mill");
  await expect(card(bo.page, id)).toContainText("€32.00");
  await expect(card(bo.page, id).locator(".status")).toHaveText("Confirmed");
  for (const other of [ada, visitor]) {
    await expect(other.message(text)).toHaveCount(1);
    await expect(other.page.locator(".order-card")).toHaveCount(0);
  }

  await olga.run("order.cancel", { order: id });
  await expect(card(bo.page, id).locator(".status")).toHaveText("Cancelled");
  await bo.page.reload();
  await live(bo.page);
  await expect(card(bo.page, id).locator(".status")).toHaveText("Cancelled");
  await card(bo.page, id).click();
  await expect(bo.page).toHaveURL(new RegExp(`/orders/${id}$`));
  expect(await visitor.page.content()).not.toContain("pepper mill");
});

test("a card that could not be had comes once it can be", async ({ page, api, wire }) => {
  const [ada, olga] = [await api("ada"), await api("olga")];
  const [first, second] = [
    await order(ada, 2_200, ["towel-waffle", 1]),
    await order(ada, 2_200, ["towel-waffle", 1]),
  ];
  const address = await olga.openRoom();
  await signIn(page, "Ada", wire.url);
  const room = await RoomPage.open(page, address, wire.url);
  // While the page is live and only this question fails.
  const question = "**/fn/orders_named*";
  const asked = page.waitForRequest(question);
  await page.route(question, (route) => route.abort());
  await olga.say(address, `Where is #${first.slice(-6)}?`);
  await asked;
  await expect(card(page, first)).toHaveCount(0);
  await page.unroute(question);
  await expect(card(page, first)).toBeVisible();
  // While nothing comes through: the question is asked with the connection.
  await page.route(question, (route) => route.abort());
  await olga.say(address, `And where is #${second.slice(-6)}?`);
  await expect(room.message("And where is")).toBeVisible();
  wire.cut();
  await expect(connection(page)).toHaveAttribute("data-state", /reconnecting|offline/);
  await page.unroute(question);
  await expect(card(page, second)).toHaveCount(0);
  wire.mend();
  await expect(card(page, second)).toBeVisible({ timeout: 40_000 });
});

test.describe("without a script", () => {
  test.use({ javaScriptEnabled: false });

  test("a customer sees the card of their own order, by its name and by its address", async ({ page, api }) => {
    const [ada, bo] = [await api("ada"), await api("bo")];
    const [own, foreign] = [await order(ada, 2_200, ["towel-waffle", 1]), await order(bo, 2_200, ["towel-waffle", 1])];
    const room = await ada.openRoom();
    await ada.say(room, `#${own.slice(-6)} is late, says http://127.0.0.1/orders/${own}`);
    await bo.say(room, `Mine too: /orders/${foreign}, #${foreign.slice(-6)}`);
    await signIn(page, "Ada");
    await page.goto(`/chat/${room}`);
    await expect(card(page, own)).toHaveCount(1);
    await expect(card(page, foreign)).toHaveCount(0);
  });
});
