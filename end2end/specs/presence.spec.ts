// Who is here, and who is typing.

import { resolve } from "node:path";
import { collectAttribute, expect, live, type Page, RoomPage, signIn, test } from "../fixtures";

// Long enough for a reload on a busy machine, short enough to wait for.
test.use({ settings: { HUBBUB_PRESENCE_GRACE_SECONDS: "4" } });

// They know nothing of each other, and there are many of them.
test.describe.configure({ mode: "parallel" });

/** From now on nothing on this page ends because time passes. */
async function stopTheClock(page: Page): Promise<void> {
  await page.clock.setFixedTime(Date.now());
}

/** To be looked at: test-results/screens. */
async function picture(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  const path = resolve(import.meta.dirname, `../test-results/screens/${name}.png`);
  await page.screenshot({ path, animations: "disabled", caret: "hide" });
}

test("who types is named until the message is there, and nothing moves", async ({ twoInARoom: { ada, bo } }) => {
  await stopTheClock(bo.page);
  const before = await bo.composer.boundingBox();
  await ada.composer.pressSequentially("hello");
  await expect(bo.typing).toHaveText("Ada is typing");
  expect(await bo.composer.boundingBox()).toEqual(before);
  // One is not told of oneself.
  await expect(ada.typing).toHaveText("");
  await ada.composer.press("Enter");
  await expect(bo.message("hello")).toHaveCount(1);
  await expect(bo.typing).toHaveText("");
});

test("who takes the text back, leaves the room or closes the page is not typing any more", async ({
  twoInARoom: { ada, bo, olga },
}) => {
  await stopTheClock(bo.page);
  const elsewhere = await olga.openRoom();
  await ada.composer.pressSequentially("hm");
  await expect(bo.typing).toHaveText("Ada is typing");
  await ada.composer.fill("");
  await expect(bo.typing).toHaveText("");

  await ada.composer.pressSequentially("well");
  await expect(bo.typing).toHaveText("Ada is typing");
  await ada.page.getByRole("link", { name: new RegExp(elsewhere) }).click();
  await expect(bo.typing).toHaveText("");

  await ada.page.goBack();
  await expect(ada.composer).toHaveValue("well");
  await ada.composer.pressSequentially(", then");
  await expect(bo.typing).toHaveText("Ada is typing");
  await ada.page.close({ runBeforeUnload: true });
  await expect(bo.typing).toHaveText("");
});

test("who stops without a word is not typing any more after a while", async ({ twoInARoom: { ada, bo } }) => {
  await ada.composer.pressSequentially("well");
  await expect(bo.typing).toHaveText("Ada is typing");
  await expect(bo.typing).toHaveText("");
  await ada.composer.pressSequentially(", then");
  await expect(bo.typing).toHaveText("Ada is typing");
});

test("a message ends its author's typing, wherever it was written", async ({ twoInARoom: { ada, bo, address }, api }) => {
  await stopTheClock(bo.page);
  await ada.composer.pressSequentially("on one device");
  await expect(bo.typing).toHaveText("Ada is typing");
  await (await api("ada")).say(address, "from another");
  await expect(bo.message("from another")).toHaveCount(1);
  await expect(bo.typing).toHaveText("");
});

test("two are named, more are several; a visitor sees it too", async ({ twoInARoom: { ada, bo, address }, another }) => {
  const visitor = await RoomPage.open(await another(), address);
  await stopTheClock(visitor.page);
  const third = await another();
  await signIn(third, "Olga");
  const olga = await RoomPage.open(third, address);
  await bo.composer.pressSequentially("one");
  await expect(visitor.typing).toHaveText("Bo is typing");
  await olga.composer.pressSequentially("two");
  await expect(visitor.typing).toHaveText("Bo and Olga are typing");
  await ada.composer.pressSequentially("three");
  await expect(visitor.typing).toHaveText("Several people are typing");
  await bo.composer.fill("");
  await expect(visitor.typing).toHaveText("Olga and Ada are typing");
});

test("several tabs are one person, who is away only after the last of them has gone", async ({
  twoInARoom: { ada, bo, address },
  another,
}) => {
  await bo.saySettled("I am here");
  await expect(ada.face("I am here")).toHaveAttribute("data-presence", "online");
  await expect(ada.face("I am here")).toContainText("Online");
  await expect(ada.here).toHaveText("2 here");
  const states = await collectAttribute(ada.face("I am here"), "data-presence");

  const tab = await RoomPage.open(await bo.page.context().newPage(), address);
  await bo.page.close();
  // Somebody else comes and goes meanwhile: longer than the grace.
  const third = await another();
  await signIn(third, "Olga");
  const olga = await RoomPage.open(third, address);
  await olga.saySettled("me too");
  await expect(ada.face("me too")).toHaveAttribute("data-presence", "online");
  await expect(ada.here).toHaveText("3 here");
  await third.close();
  await expect(ada.face("me too")).toHaveAttribute("data-presence", "away");
  await expect(ada.here).toHaveText("2 here");
  expect(await states()).toEqual(["online"]);

  await tab.page.close();
  await expect(ada.face("I am here")).toHaveAttribute("data-presence", "away");
  await expect(ada.face("I am here")).not.toContainText("Online");
  // Alone one needs not be counted.
  await expect(ada.here).toHaveCount(0);
  expect(await states()).toEqual(["online", "away"]);
});

test("a reload and a broken wire, one's own or the other's, make nothing flicker", async ({ page, another, api, wire }) => {
  const address = await (await api("olga")).openRoom();
  const other = await another();
  await signIn(page, "Ada", wire.url);
  await signIn(other, "Bo");
  const ada = await RoomPage.open(page, address, wire.url);
  const bo = await RoomPage.open(other, address);
  await bo.saySettled("I stay");
  await expect(ada.face("I stay")).toHaveAttribute("data-presence", "online");
  const states = await collectAttribute(ada.face("I stay"), "data-presence");
  const own = await collectAttribute(page.locator(".account .face"), "data-presence");
  for (let nth = 0; nth < 2; nth += 1) {
    await other.reload();
    await live(other);
  }
  wire.cut();
  await expect(page.getByTestId("connection")).not.toHaveAttribute("data-state", "live");
  wire.mend();
  await live(page);

  // Somebody comes and goes: what was to happen to Bo has happened by then.
  const third = await another();
  await signIn(third, "Olga");
  const olga = await RoomPage.open(third, address);
  await olga.saySettled("a marker");
  await expect(ada.face("a marker")).toHaveAttribute("data-presence", "online");
  await third.close();
  await expect(ada.face("a marker")).toHaveAttribute("data-presence", "away");
  expect(await states()).toEqual(["online"]);
  expect(new Set(await own())).toEqual(new Set(["online"]));
});

test("who comes back after a long while is idle until they do something", async ({ page, another, api, wire }) => {
  const olga = await api("olga");
  const address = await olga.openRoom();
  const other = await another();
  await other.clock.install();
  await signIn(page, "Ada");
  await signIn(other, "Bo", wire.url);
  const ada = await RoomPage.open(page, address);
  const bo = await RoomPage.open(other, address, wire.url);
  await bo.saySettled("back soon");
  await expect(ada.face("back soon")).toHaveAttribute("data-presence", "online");
  wire.cut();
  await expect(ada.face("back soon")).toHaveAttribute("data-presence", "away");
  await other.clock.fastForward("10:00");
  wire.mend();
  await live(other);
  await expect(ada.face("back soon")).toHaveAttribute("data-presence", "idle");
  await expect(other.locator(".account .face")).toHaveAttribute("data-presence", "idle");
  await picture(page, "presence-idle-light-desktop");
  await other.mouse.move(200, 200);
  await expect(ada.face("back soon")).toHaveAttribute("data-presence", "online");
});

test("the members of a private room are shown with what they do", async ({ page, another, api }) => {
  const olga = await api("olga");
  const bo = await api("bo");
  const attic = await olga.openRoom({ private: true });
  await olga.run("chat.add_member", { room: attic, user: bo.user });
  const other = await another();
  await signIn(page, "Olga");
  await signIn(other, "Bo");
  const room = await RoomPage.open(page, attic);
  await expect(room.here).toHaveText("2 here");
  await page.locator("summary", { hasText: "Members" }).click();
  const member = page.getByRole("listitem").filter({ has: page.getByRole("button", { name: "Remove Bo" }) });
  await expect(member).toContainText("Online");
  await other.close();
  await expect(member).toContainText("Away");
  await expect(room.here).toHaveText("1 here");
});

test("a signal about somebody else, or in another shape, is refused by name", async ({ twoInARoom: { ada, address }, api }) => {
  const me = (await api("ada")).user;
  const bo = (await api("bo")).user;
  const asked: [subject: string, data: object][] = [
    [`signal.presence.${bo}`, { idle_ms: 0 }],
    [`signal.typing.${address}.${bo}`, { typing: true }],
    [`signal.typing.backstage.${me}`, { typing: true }],
    [`signal.presence.${me}`, { state: "away" }],
    [`signal.typing.${address}.${me}`, { typing: true, name: "Bo" }],
  ];
  const refused = await ada.page.evaluate(
    (asked) =>
      new Promise<string[]>((resolve, reject) => {
        const codes: string[] = [];
        const socket = new WebSocket(`ws://${location.host}/live/ws`);
        socket.onopen = () => {
          socket.send(JSON.stringify({ kind: "hello", v: 1, subs: [] }));
          for (const [subject, data] of asked) socket.send(JSON.stringify({ kind: "signal", subject, data }));
        };
        socket.onmessage = ({ data }) => {
          for (const line of String(data).split("\n")) {
            const frame = JSON.parse(line) as { kind: string; code?: string };
            if (frame.kind === "refused") codes.push(frame.code ?? "");
          }
          if (codes.length === asked.length) resolve(codes);
        };
        socket.onclose = () => reject(new Error("the socket was closed"));
      }),
    asked,
  );
  expect(refused).toEqual(["bad_signal", "bad_signal", "bad_signal", "bad_signal_data", "bad_signal_data"]);
});

for (const theme of ["light", "dark"] as const) {
  for (const [size, viewport] of [
    ["desktop", { width: 1280, height: 800 }],
    ["phone", { width: 390, height: 844 }],
  ] as const) {
    test(`as it looks, ${theme}, ${size}`, async ({ another, page }) => {
      const look = await another({ colorScheme: theme, viewport });
      await signIn(look, "Bo");
      const room = await RoomPage.open(look, "backstage");
      await signIn(page, "Olga");
      const olga = await RoomPage.open(page, "backstage");
      await expect(room.here).toHaveText("2 here");
      await olga.composer.pressSequentially("Before four, please");
      await expect(room.typing).toHaveText("Olga is typing");
      await picture(look, `presence-typing-${theme}-${size}`);
      await look.locator("summary", { hasText: "Members" }).click();
      await picture(look, `presence-members-${theme}-${size}`);
      const lobby = await RoomPage.open(look, "lobby");
      await lobby.here.click();
      await picture(look, `presence-lobby-${theme}-${size}`);
    });
  }
}
