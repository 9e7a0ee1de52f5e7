// One person whose network lets no WebSocket through, or who chose server-sent events: everything works as it
// does for the others.

import { connection, expect, live, type Page, RoomPage, signIn, test } from "../fixtures";

/** Chooses a wire on the settings page. */
async function choose(page: Page, wire: string, at = ""): Promise<void> {
  await page.goto(`${at}/settings`);
  await live(page);
  await page.getByRole("radio", { name: wire, exact: true }).check();
}

test("somebody chooses server-sent events, talks both ways, edits, and goes back to a WebSocket", async ({
  page,
  another,
  api,
  wire,
}) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  await signIn(page, "Ada", wire.url);
  await choose(page, "Server-sent events", wire.url);
  await expect(connection(page)).toHaveText("Live · SSE");
  await expect.poll(() => wire.lines, "it applies at once").toEqual(["sse"]);
  const other = await another();
  await signIn(other, "Bo");
  const ada = await RoomPage.open(page, address, wire.url);
  const bo = await RoomPage.open(other, address);
  await expect(connection(page), "it holds on the next page").toHaveText("Live · SSE");
  await expect(connection(other)).toHaveText("Live · WS");

  await ada.saySettled("from the slow lane");
  await expect(bo.message("from the slow lane")).toHaveCount(1);
  await bo.saySettled("from the fast lane");
  await expect(ada.message("from the fast lane")).toHaveCount(1);
  await ada.message("from the slow lane").hover();
  await ada.control("from the slow lane", "Edit").click();
  const editor = page.getByRole("feed").getByRole("textbox");
  await editor.fill("from the scenic lane");
  await editor.press("Enter");
  await expect(bo.message("from the scenic lane")).toHaveCount(1);
  await expect(ada.message("from the scenic lane")).toHaveCount(1);

  await choose(page, "WebSocket", wire.url);
  await expect(connection(page)).toHaveText("Live · WS");
  await expect.poll(() => wire.lines).toEqual(["ws"]);
});

test("over server-sent events a cut wire and a killed server are survived as over a WebSocket", async ({
  page,
  api,
  wire,
  server,
}) => {
  test.setTimeout(150_000);
  const olga = await api("olga");
  const address = await olga.openRoom();
  await signIn(page, "Ada", wire.url);
  await choose(page, "Server-sent events", wire.url);
  const ada = await RoomPage.open(page, address, wire.url);
  await ada.saySettled("one");

  wire.cut();
  await expect(connection(page)).toHaveAttribute("data-state", /reconnecting|offline/);
  await olga.say(address, "said meanwhile");
  wire.mend();
  await live(page);
  await expect(ada.message("said meanwhile")).toHaveCount(1);

  await server.kill9();
  await expect(connection(page)).not.toHaveAttribute("data-state", "live");
  await server.restart();
  await live(page);
  await ada.saySettled("two");
  await expect(connection(page)).toHaveText("Live · SSE");
  const log = await (await api("olga")).log(`chat.${address}.message_posted`);
  expect(log.map((event) => event.data["text"])).toEqual(["one", "said meanwhile", "two"]);
  await expect.poll(() => ada.shownEvents()).toEqual(log.map((event) => event.id));
});

test("where WebSockets are refused the page finds its way by itself, and the next page does not search", async ({
  page,
  api,
  wire,
}) => {
  wire.webSockets = "refuse";
  const olga = await api("olga");
  const address = await olga.openRoom();
  await signIn(page, "Ada", wire.url);
  await live(page);
  await expect(connection(page)).toHaveText("Live · SSE");
  let tried = 0;
  page.on("websocket", () => (tried += 1));
  const ada = await RoomPage.open(page, address, wire.url);
  await ada.saySettled("through the back door");
  await olga.say(address, "and in again");
  await expect(ada.message("and in again")).toHaveCount(1);
  await expect(connection(page)).toHaveText("Live · SSE");
  expect(tried, "what works is remembered").toBe(0);
});

test("over event streams, too, one is seen typing, and what is deleted goes on both sides", async ({
  page,
  another,
  api,
  wire,
}) => {
  wire.webSockets = "refuse";
  const olga = await api("olga");
  const address = await olga.openRoom();
  await signIn(page, "Ada", wire.url);
  const ada = await RoomPage.open(page, address, wire.url);
  await expect(connection(page)).toHaveText("Live · SSE");
  const other = await another();
  await signIn(other, "Bo");
  const bo = await RoomPage.open(other, address);
  await ada.composer.pressSequentially("hm");
  await expect(bo.typing).toHaveText("Ada is typing");
  await bo.composer.pressSequentially("so");
  await expect(ada.typing).toHaveText("Bo is typing");
  await bo.composer.press("Enter");
  await expect(ada.message("so")).toHaveCount(1);
  await expect(ada.typing).toHaveText("");
  await ada.composer.press("Enter");
  await expect(bo.message("hm")).toHaveCount(1);
  await bo.control("so", "Delete").click();
  await expect(bo.message("so")).toHaveCount(0);
  await expect(ada.message("so")).toHaveCount(0);
});

test("where WebSockets are swallowed without a word the page finds its way too", async ({ page, api, wire }) => {
  wire.webSockets = "swallow";
  const olga = await api("olga");
  const address = await olga.openRoom();
  await signIn(page, "Ada", wire.url);
  const ada = await RoomPage.open(page, address, wire.url);
  await expect(connection(page)).toHaveText("Live · SSE");
  await olga.say(address, "heard all the same");
  await expect(ada.message("heard all the same")).toHaveCount(1);
});

test("as soon as a WebSocket can be opened again it is used, and nothing is lost", async ({ page, api, wire }) => {
  wire.webSockets = "refuse";
  const olga = await api("olga");
  const address = await olga.openRoom();
  await page.clock.install();
  await signIn(page, "Ada", wire.url);
  const ada = await RoomPage.open(page, address, wire.url);
  await expect(connection(page)).toHaveText("Live · SSE");
  wire.webSockets = "pass";
  await olga.say(address, "before");
  await page.clock.fastForward(61_000);
  await expect(connection(page)).toHaveText("Live · WS");
  await olga.say(address, "after");
  const log = await olga.log(`chat.${address}.message_posted`);
  await expect.poll(() => ada.shownEvents()).toEqual(log.map((event) => event.id));
  expect(log).toHaveLength(2);
});
