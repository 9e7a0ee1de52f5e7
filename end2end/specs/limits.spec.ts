// What a page does when the server asks for patience: nothing is lost, nothing is called a failure.

import { Api, expect, RoomPage, signIn, test } from "../fixtures";
import { Server } from "../support/server";

test("messages sent too fast arrive all the same, a little later and in order", async ({ another, complaints }) => {
  complaints.allowStatus(429);
  // The server of this test ends before its pages do.
  complaints.allowBrokenWire();
  const server = await Server.start({ HUBBUB_COMMANDS_PER_MINUTE: "60" });
  try {
    const page = await another();
    await signIn(page, "Bo", server.url);
    const room = await RoomPage.open(page, "market", server.url);
    const before = await room.messages.count();
    const words = ["one.", "two.", "three.", "four."];
    // A program of Bo's has used up what Bo may send.
    const program = await Api.as(server.url, "bo");
    const posts = Array.from({ length: 80 }, () => program.say("help", "busy"));
    const outcomes = await Promise.allSettled(posts);
    expect(outcomes.some(({ status }) => status === "rejected")).toBe(true);
    let refused = 0;
    page.on("response", (response) => {
      if (response.status() === 429) refused++;
    });
    for (const word of words) await room.say(word);
    await expect(page.locator("article[data-state=failed]")).toHaveCount(0);
    for (const word of words) {
      await expect(room.message(word)).toHaveAttribute("data-state", "sent", { timeout: 60_000 });
    }
    expect(refused).toBeGreaterThan(0);
    const shown = await room.messages.allInnerTexts();
    const order = shown.slice(before).map((text) => words.find((word) => text.includes(word)));
    expect(order).toEqual(words);
  } finally {
    await server.dispose();
  }
});

test("a form that comes too often says so and keeps what was typed", async ({ page, complaints }) => {
  complaints.allowStatus(429);
  // The server of this test ends before its pages do.
  complaints.allowBrokenWire();
  complaints.allowStatus(401);
  const server = await Server.start({ HUBBUB_SIGN_INS_PER_MINUTE: "1" });
  try {
    for (const answer of ["do not belong together", "Too many attempts to sign in"]) {
      await page.goto(`${server.url}/sign-in`);
      await page.getByLabel("Handle", { exact: true }).fill("ada");
      await page.getByLabel("Password", { exact: true }).fill("certainly wrong");
      await page.getByLabel("Password", { exact: true }).press("Enter");
      await expect(page.getByRole("alert").filter({ hasText: answer })).toBeVisible();
      await expect(page.getByLabel("Handle", { exact: true })).toHaveValue("ada");
    }
  } finally {
    await server.dispose();
  }
});
