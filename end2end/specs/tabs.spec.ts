// Several tabs of one browser: one connection between them, whichever of them comes, goes, hides or freezes.

import { type Api, connection, expect, live, type Page, RoomPage, signIn, test } from "../fixtures";
import type { Wire } from "../support/wire";

/** Three tabs of one browser in one room; the first has the line. */
async function tabs(page: Page, wire: Wire, address: string): Promise<[RoomPage, RoomPage, RoomPage]> {
  await signIn(page, "Ada", wire.url);
  const another = async () => RoomPage.open(await page.context().newPage(), address, wire.url);
  return [await RoomPage.open(page, address, wire.url), await another(), await another()];
}

/** Every tab ends equal to the log, over one line. */
async function settle(rooms: RoomPage[], wire: Wire, olga: Api, address: string, texts: string[]): Promise<void> {
  const log = await olga.log(`chat.${address}.message_posted`);
  expect(log.map((event) => event.data["text"])).toEqual(texts);
  for (const room of rooms) {
    await live(room.page);
    await expect.poll(() => room.shownEvents()).toEqual(log.map((event) => event.id));
  }
  await expect.poll(() => wire.lines.length, "there is one line").toBe(1);
}

/** Lets a page believe that it is hidden, or seen. (A browser without a window shows all of its pages.) */
async function show(page: Page, seen: boolean): Promise<void> {
  await page.evaluate((state) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  }, seen ? "visible" : "hidden");
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Sign out" }).first().evaluate((button: HTMLButtonElement) => {
    button.form?.requestSubmit();
  });
  await page.waitForURL((url) => url.pathname === "/");
}

test("three tabs hold one connection, and each hears what the others say", async ({ page, wire, api }) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  const rooms = await tabs(page, wire, address);
  expect(wire.lines).toEqual(["ws"]);
  for (const [nth, room] of rooms.entries()) await room.saySettled(`from tab ${nth}`);
  await olga.say(address, "from elsewhere");
  await settle(rooms, wire, olga, address, ["from tab 0", "from tab 1", "from tab 2", "from elsewhere"]);
});

test("a tab that leads is closed: another takes over, and nothing is lost or repeated", async ({
  page,
  wire,
  api,
}) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  const [first, ...others] = await tabs(page, wire, address);
  await first.saySettled("one");
  await Promise.all([first.page.close(), olga.say(address, "two")]);
  await olga.say(address, "three");
  await settle(others, wire, olga, address, ["one", "two", "three"]);
  await others[1].saySettled("four");
  await settle(others, wire, olga, address, ["one", "two", "three", "four"]);
});

test("a tab that leads is hidden: one that is seen takes over", async ({ page, wire, api }) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  const rooms = await tabs(page, wire, address);
  const [first, second, third] = rooms;
  let moved = false;
  second.page.on("websocket", () => (moved = true));
  await first.saySettled("one");
  await show(third.page, false);
  await show(page, false);
  await expect.poll(() => moved, "the line is the other tab's now").toBe(true);
  await olga.say(address, "two");
  await first.saySettled("three");
  await settle(rooms, wire, olga, address, ["one", "two", "three"]);
});

test("a tab that leads is frozen: another takes over, and it follows when it thaws", async ({
  page,
  wire,
  api,
}) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  const rooms = await tabs(page, wire, address);
  const [first, second, third] = rooms;
  await first.saySettled("one");
  let moved = false;
  for (const room of [second, third]) room.page.on("websocket", () => (moved = true));
  const debug = await page.context().newCDPSession(page);
  await debug.send("Debugger.enable");
  const paused = new Promise((resolve) => debug.once("Debugger.paused", resolve));
  await debug.send("Debugger.pause");
  await olga.say(address, "two");
  await paused;
  await expect.poll(() => moved, "somebody else has a line").toBe(true);
  await second.saySettled("three");
  await olga.say(address, "four");
  await debug.send("Debugger.resume");
  await debug.send("Debugger.disable");
  await settle(rooms, wire, olga, address, ["one", "two", "three", "four"]);
});

test("over server-sent events too, tabs share, come, go and break together", async ({ page, wire, api }) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  await page.addInitScript(() => localStorage.setItem("wire", "sse"));
  const rooms = await tabs(page, wire, address);
  await expect.poll(() => wire.lines).toEqual(["sse"]);
  for (const room of rooms) await expect(connection(room.page)).toHaveText("Live · SSE");
  await rooms[2].saySettled("one");
  wire.breakAll();
  await olga.say(address, "two");
  await settle(rooms, wire, olga, address, ["one", "two"]);
  const [first, ...others] = rooms;
  await first.page.close();
  await olga.say(address, "three");
  await settle(others, wire, olga, address, ["one", "two", "three"]);
});

test("who signs out in one tab is told so in the others, and back in they go on", async ({ page, wire, api }) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  const [first, ...others] = await tabs(page, wire, address);
  const told = others.map((room) => room.page.getByRole("alert").filter({ hasText: "signed" }));
  await first.saySettled("one");
  await signOut(page);
  for (const alert of told) await expect(alert).toBeVisible();
  await olga.say(address, "two");
  await signIn(page, "Ada", wire.url);
  for (const alert of told) await expect(alert).toBeHidden();
  await settle(others, wire, olga, address, ["one", "two"]);
});

test("who signs in as somebody else in one tab is told so in the others", async ({ page, wire, api }) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  const [, second] = await tabs(page, wire, address);
  await signOut(page);
  await signIn(page, "Bo", wire.url);
  const alert = second.page.getByRole("alert").filter({ hasText: "another tab" });
  await expect(alert).toBeVisible();
  await second.page.getByRole("button", { name: "Reload" }).click();
  await expect(alert).toBeHidden();
  await live(second.page);
});
