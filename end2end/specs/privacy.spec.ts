// Nobody is shown what is not theirs: visitors, strangers, staff by rank, those who were put out, those who
// signed out.

import { expect, RoomPage, signIn, test } from "../fixtures";

test("a visitor reads public rooms and is told how to write", async ({ page, api }) => {
  const olga = await api("olga");
  const open = await olga.openRoom();
  const closed = await olga.openRoom({ private: true });
  await olga.say(closed, "behind the curtain");
  await olga.say(open, "on the stage");
  const room = await RoomPage.open(page, open);
  await expect(room.message("on the stage")).toHaveCount(1);
  await expect(room.composer).toHaveCount(0);
  await expect(page.getByRole("link", { name: /sign in/i }).first()).toBeVisible();
  await olga.say(open, "still on the stage");
  await expect(room.message("still on the stage")).toHaveCount(1);
  const html = await page.content();
  expect(html).not.toContain("behind the curtain");
  expect(html).not.toContain(closed);
});

test("a private room is not there for whoever is not a member, whatever their rank", async ({
  page,
  api,
  complaints,
}) => {
  complaints.allowStatus(404);
  const ada = await api("ada");
  const attic = await ada.openRoom({ private: true });
  await ada.say(attic, "just us");
  await signIn(page, "Olga");
  await page.goto(`/chat/${attic}`);
  await expect(page.locator("main")).toBeVisible();
  const stranger = await page.content();
  expect(stranger).not.toContain("just us");
  await page.goto("/chat/no-such-room");
  await expect(page.locator("main")).toBeVisible();
  const [hidden, absent] = await Promise.all([
    page.request.get(`/chat/${attic}`),
    page.request.get("/chat/no-such-room"),
  ]);
  expect(hidden.status()).toBe(absent.status());
});

test("who is put out of a private room stops receiving there and then", async ({ page, api, complaints }) => {
  // How far Bo has read may be on its way when the room is no longer there for Bo.
  complaints.allowStatus(404);
  const ada = await api("ada");
  const bo = await api("bo");
  const attic = await ada.openRoom({ private: true });
  const square = await ada.openRoom();
  await ada.run("chat.add_member", { room: attic, user: bo.user });
  await ada.say(attic, "welcome, Bo");
  await signIn(page, "Bo");
  const room = await RoomPage.open(page, attic);
  await ada.say(attic, "still here");
  await expect(room.message("still here")).toHaveCount(1);

  await ada.run("chat.remove_member", { room: attic, user: bo.user });
  await ada.say(attic, "Bo must not hear this");
  await expect(room.message("still here")).toHaveCount(0);
  // What is said later in a room that Bo does hear shows that the page has come past it.
  const marker = await page.context().newPage();
  const public_ = await RoomPage.open(marker, square);
  await ada.say(square, "the marker");
  await expect(public_.message("the marker")).toHaveCount(1);
  for (const side of [page, marker]) {
    expect(await side.content()).not.toContain("Bo must not hear this");
  }
  await expect(room.composer).toHaveCount(0);
});

test("who is let into a private room sees it from then on", async ({ page, api }) => {
  const ada = await api("ada");
  const bo = await api("bo");
  const attic = await ada.openRoom({ private: true });
  await ada.say(attic, "before Bo");
  await signIn(page, "Bo");
  await page.goto("/chat");
  await expect(page.locator("main")).not.toContainText(attic);
  await ada.run("chat.add_member", { room: attic, user: bo.user });
  // The list is live: the room appears without a reload.
  await expect(page.getByRole("link", { name: new RegExp(attic) })).toBeVisible();
  await ada.say(attic, "welcome, Bo");
  const room = await RoomPage.open(page, attic);
  await expect(room.message("welcome, Bo")).toHaveCount(1);
  await expect(room.message("before Bo")).toHaveCount(0);
});

test("signing out in one tab ends the other tab's session", async ({ page, api, complaints }) => {
  // How far it has read may be on its way when the session ends.
  complaints.allowStatus(401);
  const bo = await api("bo");
  const attic = await bo.openRoom({ private: true });
  await signIn(page, "Bo");
  const room = await RoomPage.open(page, attic);
  const tab = await page.context().newPage();
  await tab.goto("/chat");
  await tab.getByRole("button", { name: "Sign out" }).first().evaluate((button: HTMLButtonElement) => {
    button.form?.requestSubmit();
  });
  await tab.waitForURL((url) => url.pathname === "/");
  await expect(tab.getByRole("button", { name: "Enter as Bo" })).toBeVisible();

  // Somebody with another session of Bo's goes on talking; this tab's session hears nothing of it.
  const said = await bo.say(attic, "after signing out");
  const served = await page.request.get(`/chat/${attic}`);
  expect(await served.text()).not.toContain("after signing out");
  await expect(room.page.locator(`article[data-event-id="${said}"]`)).toHaveCount(0);
  await page.goto("/chat");
  await expect(page.getByRole("link", { name: /sign in/i }).first()).toBeVisible();
});
