// The wire breaks, the server dies: the page says so, keeps what was typed, comes back by itself and ends
// equal to the log.

import { connection, expect, live, RoomPage, signIn, test } from "../fixtures";

test("kill -9 between any two messages: both pages come back and hold exactly what the log holds", async ({
  twoInARoom: { ada, bo, address },
  api,
  server,
  complaints,
}) => {
  test.setTimeout(180_000);
  complaints.allowBrokenWire();
  const [page, other] = [ada.page, bo.page];
  let loaded = 0;
  for (const side of [page, other]) side.on("load", () => (loaded += 1));

  for (let round = 0; round < 3; round += 1) {
    await ada.saySettled(`Ada before the fall ${round}`);
    await server.kill9();
    await expect(connection(page)).not.toHaveAttribute("data-state", "live");
    await server.restart();
    await live(page);
    await live(other);
    await bo.saySettled(`Bo after the fall ${round}`);
  }

  const log = await (await api("olga")).log(`chat.${address}.message_posted`);
  expect(log.map((event) => event.data["text"])).toEqual(
    [0, 1, 2].flatMap((round) => [`Ada before the fall ${round}`, `Bo after the fall ${round}`]),
  );
  for (const side of [ada, bo]) {
    await expect.poll(() => side.shownEvents()).toEqual(log.map((event) => event.id));
  }
  expect(loaded, "no page was loaded again").toBe(0);
});

test("an orderly restart is survived without an error", async ({ page, api, server, complaints }) => {
  complaints.allowBrokenWire();
  const address = await (await api("olga")).openRoom();
  await signIn(page, "Ada");
  const ada = await RoomPage.open(page, address);
  await ada.saySettled("before the deploy");
  await server.restart();
  await live(page);
  await ada.saySettled("after the deploy");
  await expect(page.getByRole("alert").filter({ hasText: /./ })).toHaveCount(0);
});

test("what the device says of its network is heeded at once, both ways", async ({ page, api }) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  await signIn(page, "Ada");
  const ada = await RoomPage.open(page, address);
  await page.evaluate(() => window.dispatchEvent(new Event("offline")));
  await expect(connection(page)).toHaveAttribute("data-state", "offline");
  await page.evaluate(() => window.dispatchEvent(new Event("online")));
  await live(page);
  await olga.say(address, "and back");
  await expect(ada.message("and back")).toHaveCount(1);
});

test("a page of another build offers to reload, and does so when asked", async ({ page, complaints }) => {
  // A browser lets no page open a WebSocket to a server that the page is not from.
  complaints.allowBrokenWire();
  await signIn(page, "Ada");
  // As if the server had been replaced between the page and its first connection.
  await page.route("**/wallet", async (route) => {
    const answer = await route.fetch();
    const body = (await answer.text()).replace(/("build\\?":\\?")[^"\\]+/, "$1of-yesterday");
    await route.fulfill({ response: answer, body });
  });
  await page.goto("/wallet");
  await expect(page.getByText("Hubbub has been updated.")).toBeVisible();
  await page.unrouteAll({ behavior: "wait" });
  await page.getByRole("button", { name: "Reload" }).click();
  await live(page);
  await expect(page.getByRole("heading", { name: "Wallet" })).toBeVisible();
  await expect(page.getByText("Hubbub has been updated.")).toHaveCount(0);
});

test("what is said while the wire is cut arrives once it is mended, in order and once", async ({
  page,
  wire,
  api,
}) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  await signIn(page, "Ada", wire.url);
  const ada = await RoomPage.open(page, address, wire.url);
  await ada.saySettled("one");

  wire.cut();
  await expect(connection(page)).toHaveAttribute("data-state", /reconnecting|offline/);
  await ada.say("two");
  await expect(ada.message("two")).toHaveAttribute("data-state", /pending|failed/);
  const missed = await olga.say(address, "meanwhile, elsewhere");
  wire.mend();

  await live(page);
  await expect(ada.message("meanwhile, elsewhere")).toHaveAttribute("data-event-id", missed);
  // It is sent by itself; if it was given up already, it can be sent again.
  await expect(async () => {
    const retry = ada.message("two").getByRole("button", { name: "Retry" });
    if (await retry.isVisible()) await retry.click();
    await expect(ada.message("two")).toHaveAttribute("data-state", "sent", { timeout: 1_000 });
  }).toPass({ timeout: 30_000 });

  const log = await olga.log(`chat.${address}.message_posted`);
  expect(log.filter((event) => event.data["text"] === "two")).toHaveLength(1);
  await expect.poll(() => ada.shownEvents()).toEqual(log.map((event) => event.id));
});

test("a message that was lost on the way is pending, then failed, and is sent again on request", async ({
  page,
  api,
  complaints,
}) => {
  complaints.allowBrokenWire();
  const olga = await api("olga");
  const address = await olga.openRoom();
  await signIn(page, "Ada");
  const ada = await RoomPage.open(page, address);
  let fail = () => {};
  const held = new Promise<void>((resolve) => {
    fail = resolve;
  });
  await page.route("**/fn/**", async (route) => {
    await held;
    await route.abort("connectionfailed");
  });
  await ada.say("lost on the way");
  await expect(ada.message("lost on the way")).toHaveAttribute("data-state", "pending");
  fail();
  await expect(ada.message("lost on the way")).toHaveAttribute("data-state", "failed");
  expect(await olga.log(`chat.${address}.message_posted`)).toEqual([]);

  await page.unrouteAll({ behavior: "wait" });
  await ada.message("lost on the way").getByRole("button", { name: "Retry" }).click();
  await expect(ada.message("lost on the way")).toHaveAttribute("data-state", "sent");
  expect(await olga.log(`chat.${address}.message_posted`)).toHaveLength(1);
});

test("a failed message can be discarded", async ({ page, api, complaints }) => {
  complaints.allowBrokenWire();
  const olga = await api("olga");
  const address = await olga.openRoom();
  await signIn(page, "Ada");
  const ada = await RoomPage.open(page, address);
  await page.route("**/fn/**", (route) => route.abort("connectionfailed"));
  await ada.say("never mind");
  await ada.message("never mind").getByRole("button", { name: "Discard" }).click();
  await expect(ada.message("never mind")).toHaveCount(0);
  await page.unrouteAll({ behavior: "wait" });
  await ada.saySettled("something else");
  const log = await olga.log(`chat.${address}.message_posted`);
  expect(log.map((event) => event.data["text"])).toEqual(["something else"]);
});

test("an answer that was lost makes no second message", async ({ page, api, complaints }) => {
  complaints.allowBrokenWire();
  const olga = await api("olga");
  const address = await olga.openRoom();
  await signIn(page, "Ada");
  const ada = await RoomPage.open(page, address);
  // The server hears it; the page does not hear the server.
  await page.route("**/fn/**", async (route) => {
    await route.fetch();
    await route.abort("connectionreset");
  });
  await ada.say("said once");
  await expect.poll(async () => (await olga.log(`chat.${address}.message_posted`)).length).toBe(1);
  await page.unrouteAll({ behavior: "wait" });
  // The event itself may settle it; if the page still thinks it failed, trying again must change nothing.
  await expect(async () => {
    const retry = ada.message("said once").getByRole("button", { name: "Retry" });
    if (await retry.isVisible()) await retry.click();
    await expect(ada.message("said once")).toHaveAttribute("data-state", "sent", { timeout: 1_000 });
  }).toPass({ timeout: 30_000 });
  await expect(ada.message("said once")).toHaveCount(1);
  expect(await olga.log(`chat.${address}.message_posted`)).toHaveLength(1);
});
