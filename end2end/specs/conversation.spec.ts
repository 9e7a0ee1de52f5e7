// People talk in a room: what one types, the others see, once, and the log holds it.

import { expect, listenToAnnouncer, live, RoomPage, signIn, test } from "../fixtures";

test("what one types appears to the other, carries the same event id, is on disk and is announced once", async ({
  twoInARoom: { ada, bo, olga, address },
}) => {
  const heard = await listenToAnnouncer(bo.page);

  await ada.saySettled("Is anybody here?");
  const id = await ada.message("Is anybody here?").getAttribute("data-event-id");
  expect(id).toBeTruthy();
  // The page calls it sent, so the log has it.
  const log = await olga.log(`chat.${address}.message_posted`);
  expect(log.map((event) => [event.id, event.data["text"]])).toEqual([[id, "Is anybody here?"]]);

  await expect(bo.message("Is anybody here?")).toHaveCount(1);
  await expect(bo.message("Is anybody here?")).toHaveAttribute("data-event-id", id ?? "");
  await expect.poll(heard).toHaveLength(1);

  // The next one's announcement is the proof that the first one's came only once.
  await ada.saySettled("Hello?");
  await expect(bo.message("Hello?")).toHaveCount(1);
  await expect.poll(heard).toHaveLength(2);
});

test("a conversation reads the same on both sides", async ({ twoInARoom: { ada, bo, olga, address } }) => {
  for (let nth = 0; nth < 5; nth += 1) {
    await ada.say(`Ada ${nth}`);
    await bo.say(`Bo ${nth}`);
  }
  const posted = async () => (await olga.log(`chat.${address}.message_posted`)).map((event) => event.id);
  await expect.poll(async () => (await posted()).length).toBe(10);
  const inTheLog = await posted();
  await expect.poll(() => ada.shownEvents()).toEqual(inTheLog);
  await expect.poll(() => bo.shownEvents()).toEqual(inTheLog);
});

test("who has come into an empty room has read it, and says so once", async ({ page, api }) => {
  const [olga, ada] = [await api("olga"), await api("ada")];
  const address = await olga.openRoom();
  const elsewhere = await olga.openRoom();
  await signIn(page, "Ada");
  const room = await RoomPage.open(page, address);
  const read = async () => (await ada.log(`chat.${address}.room_read`)).length;
  await expect.poll(read).toBe(1);
  for (let nth = 0; nth < 5; nth += 1) await olga.say(elsewhere, `Something else ${nth}`);
  await room.saySettled("Nobody here?");
  await expect.poll(read).toBe(2);
});

test("a message posted between rendering and connecting is there, once", async ({ page, api }) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  await olga.say(address, "before the page");
  await signIn(page, "Ada");

  let wake = () => {};
  const asleep = new Promise<void>((resolve) => {
    wake = resolve;
  });
  await page.route("**/*.wasm", async (route) => {
    await asleep;
    await route.continue();
  });
  const room = new RoomPage(page, address);
  await page.goto(`/chat/${address}`, { waitUntil: "domcontentloaded" });
  await expect(room.message("before the page")).toHaveCount(1);
  const id = await olga.say(address, "in between");
  await expect(room.message("in between")).toHaveCount(0);
  wake();

  await live(page);
  await expect(room.message("in between")).toHaveCount(1);
  await expect(room.message("in between")).toHaveAttribute("data-event-id", id);
  await expect(room.message("before the page")).toHaveCount(1);
});

test("what was typed before the page woke up is kept", async ({ page, api }) => {
  const address = await (await api("olga")).openRoom();
  await signIn(page, "Ada");
  let wake = () => {};
  const asleep = new Promise<void>((resolve) => {
    wake = resolve;
  });
  await page.route("**/*.wasm", async (route) => {
    await asleep;
    await route.continue();
  });
  const room = new RoomPage(page, address);
  await page.goto(`/chat/${address}`, { waitUntil: "domcontentloaded" });
  await room.composer.fill("typed early");
  wake();
  await live(page);
  await expect(room.composer).toHaveValue("typed early");
  await room.send.click();
  await expect(room.message("typed early")).toHaveAttribute("data-state", "sent");
});

test("an author edits, and everybody reads the new text", async ({ twoInARoom: { ada, bo } }) => {
  await ada.saySettled("helo world");
  await expect(bo.message("helo world")).toHaveCount(1);
  await expect(bo.control("helo world", "Edit")).toHaveCount(0);

  const id = await ada.message("helo world").getAttribute("data-message-id");
  await ada.message("helo world").hover();
  await ada.control("helo world", "Edit").click();
  const article = ada.page.locator(`article[data-message-id="${id}"]`);
  await article.getByRole("textbox").fill("hello world");
  await article.getByRole("textbox").press("Enter");

  await expect(bo.message("hello world")).toHaveCount(1);
  await expect(bo.message("helo world")).toHaveCount(0);
  await expect(ada.message("hello world")).toHaveAttribute("data-state", "sent");
});

test("a deletion can be undone for a moment", async ({ page, api }) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  await signIn(page, "Ada");
  const ada = await RoomPage.open(page, address);
  await ada.saySettled("think twice");
  await ada.message("think twice").hover();
  await ada.control("think twice", "Delete").click();
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await expect(ada.message("think twice")).toHaveAttribute("data-state", "sent");
  // Commands leave in order: when this one has arrived, a deletion would have, too.
  await ada.saySettled("and thrice");
  await expect(ada.message("think twice")).toHaveCount(1);
  expect(await olga.log(`chat.${address}.message_deleted`)).toEqual([]);
});

test("a deleted message's text is nowhere any more", async ({ twoInARoom: { ada, bo, olga, address } }) => {
  const secret = "the-code-is-9471";
  await ada.saySettled(secret);
  await expect(bo.message(secret)).toHaveCount(1);
  const id = await ada.message(secret).getAttribute("data-message-id");
  // On Bo's page it is in what the server rendered, too.
  await bo.page.reload();
  await live(bo.page);
  await expect(bo.message(secret)).toHaveCount(1);

  await ada.message(secret).hover();
  await ada.control(secret, "Delete").click();
  await expect(bo.page.locator(`article[data-message-id="${id}"]`)).toContainText("Message deleted");
  await expect(ada.page.locator(`article[data-message-id="${id}"]`)).toContainText("Message deleted");

  for (const side of [ada.page, bo.page]) {
    await expect.poll(() => side.content()).not.toContain(secret);
    const served = await side.request.get(`/chat/${address}`);
    expect(await served.text()).not.toContain(secret);
  }
  expect(JSON.stringify(await olga.log(">"))).not.toContain(secret);
});

test("a message of 5,000 characters is refused with the reason and can be discarded", async ({
  page,
  api,
  complaints,
}) => {
  complaints.allowStatus(422);
  const olga = await api("olga");
  const address = await olga.openRoom();
  await signIn(page, "Ada");
  const ada = await RoomPage.open(page, address);
  await ada.say("x".repeat(5_000));
  // Refused either before it leaves or by the server; either way it says why and nothing is lost.
  await expect(page.locator("main")).toContainText(/longer than 4,?000 characters/i);
  expect(await olga.log(`chat.${address}.message_posted`)).toEqual([]);
  const failed = page.locator("article[data-state=failed]");
  if ((await failed.count()) > 0) {
    await failed.getByRole("button", { name: "Discard" }).click();
    await expect(failed).toHaveCount(0);
  }
  await ada.saySettled("shorter");
});

test("nothing is sent when there is nothing to say", async ({ page, api }) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  await signIn(page, "Ada");
  const ada = await RoomPage.open(page, address);
  await ada.composer.fill("   ");
  await ada.composer.press("Enter");
  await ada.saySettled("something");
  const log = await olga.log(`chat.${address}.message_posted`);
  expect(log.map((event) => event.data["text"])).toEqual(["something"]);
});
