// Without JavaScript everything that matters still works: plain forms, plain pages.

import { randomUUID } from "node:crypto";
import { expect, RoomPage, test } from "../fixtures";

test.use({ javaScriptEnabled: false });

test("somebody registers, signs in, posts, edits and deletes", async ({ page, api }) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  const handle = `q${randomUUID().slice(0, 8).replaceAll("-", "")}`;
  const submit = page.locator("form:has(input[name=password]) button:not([type=button])").first();

  await page.goto("/register");
  await page.getByLabel("Handle", { exact: true }).fill(handle);
  await page.getByLabel("Name", { exact: true }).fill("Quinn Plain");
  await page.getByLabel("Password", { exact: true }).fill("correct horse battery");
  await submit.click();
  await page.waitForURL((url) => url.pathname.startsWith("/chat"));

  await page.context().clearCookies();
  await page.goto("/sign-in");
  await page.getByLabel("Handle", { exact: true }).fill(handle);
  await page.getByLabel("Password", { exact: true }).fill("correct horse battery");
  await submit.click();
  await page.waitForURL((url) => url.pathname.startsWith("/chat"));

  const room = new RoomPage(page, address);
  await page.goto(`/chat/${address}`);
  await room.say("written without a script");
  await expect(room.message("written without a script")).toHaveCount(1);
  await expect(room.message("written without a script")).toContainText("Quinn Plain");

  const id = await room.message("written without a script").getAttribute("data-message-id");
  const article = page.locator(`article[data-message-id="${id}"]`);
  await room.control("written without a script", "Edit").click();
  await article.getByRole("textbox").fill("changed without a script");
  await article.getByRole("button", { name: "Save", exact: true }).click();
  await expect(room.message("changed without a script")).toHaveCount(1);
  await expect(room.message("written without a script")).toHaveCount(0);

  await room.control("changed without a script", "Delete").click();
  await expect(article).toContainText("Message deleted");
  const log = await olga.log(`chat.${address}.>`);
  expect(log.map((event) => event.type)).toEqual([
    "chat.room_opened",
    "chat.message_posted",
    "chat.message_edited",
    "chat.message_deleted",
  ]);
  expect(JSON.stringify(log)).not.toContain("without a script");
});

test("a message that is too long comes back with the reason and what was typed", async ({
  page,
  api,
  complaints,
}) => {
  complaints.allowStatus(422);
  const olga = await api("olga");
  const address = await olga.openRoom();
  const room = new RoomPage(page, address);
  await page.goto("/");
  await page.getByRole("button", { name: "Enter as Ada" }).click();
  await page.goto(`/chat/${address}`);
  const long = "x".repeat(4_500);
  await room.composer.fill(long);
  await room.send.click();
  await expect(page.getByRole("alert").filter({ hasText: "longer than" })).toBeVisible();
  await expect(room.composer).toHaveValue(long);
  expect(await olga.log(`chat.${address}.message_posted`)).toEqual([]);
});

test("posting the same form twice posts once", async ({ page, api }) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  const room = new RoomPage(page, address);
  await page.goto("/");
  await page.getByRole("button", { name: "Enter as Ada" }).click();
  await page.goto(`/chat/${address}`);
  const form = page.locator("form:has(textarea[name=text]):has(input[value='chat.post_message'])").first();
  const id = await form.locator("input[name=_id]").inputValue();
  const fields = { _command: "chat.post_message", _id: id, room: address, text: "only once" };
  const headers = { origin: new URL(page.url()).origin };
  for (let nth = 0; nth < 2; nth += 1) {
    const answer = await page.request.post(`/chat/${address}`, { form: fields, headers });
    expect(answer.ok()).toBe(true);
  }
  await page.reload();
  await expect(room.message("only once")).toHaveCount(1);
});
