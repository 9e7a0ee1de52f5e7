// Programs of other people that follow the log: they know nothing of us, and resume all the same.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { EventSource } from "eventsource";
import { type Api, expect, test } from "../fixtures";
import type { Server } from "../support/server";

/** What a follower heard, in order. */
interface Heard {
  ids: string[];
  /** The cursor of the last message. */
  cursor: string;
}

/** The id of the event in a message. */
function eventId(data: string): string {
  return (JSON.parse(data) as { event: { id: string } }).event.id;
}

/** Talks while the server is killed, three times; some of it is said before a follower can be back. */
async function talkThroughCrashes(server: Server, olga: Api, room: string, back: () => Promise<void>): Promise<void> {
  for (let life = 0; life < 3; life++) {
    for (let nth = 0; nth < 10; nth++) await olga.say(room, `${life}.${nth}`);
    await server.kill9();
    await server.restart();
    for (let nth = 10; nth < 15; nth++) await olga.say(room, `${life}.${nth}`);
    await back();
  }
}

async function expectEverythingOnce(heard: Heard, olga: Api, room: string): Promise<void> {
  const said = (await olga.log(`chat.${room}.message_posted`)).map(({ id }) => id);
  expect(said.length).toBe(45);
  await expect.poll(() => heard.ids.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(said.length);
  expect(heard.ids).toEqual(said);
}

test("a stock EventSource hears every event once, however often the server is killed", async ({ server, api }) => {
  const olga = await api("olga");
  const room = await olga.openRoom();
  const heard: Heard = { ids: [], cursor: "" };
  const source = new EventSource(`${server.url}/live/sse?match=chat.${room}.message_posted`);
  try {
    source.addEventListener("message", ({ data }) => heard.ids.push(eventId(data as string)));
    await new Promise<void>((resolve) => {
      source.addEventListener("subbed", ({ data }) => {
        if ((JSON.parse(data as string) as { outcome: string }).outcome === "live") resolve();
      });
    });
    // It comes back by itself.
    await talkThroughCrashes(server, olga, room, async () => {});
    await expectEverythingOnce(heard, olga, room);
  } finally {
    source.close();
  }
});

test("curl hears every event once, if it is given the last id", async ({ server, api }) => {
  const olga = await api("olga");
  const room = await olga.openRoom();
  const heard: Heard = { ids: [], cursor: "" };
  const follow = async () => {
    const resume = heard.cursor === "" ? [] : ["--header", `Last-Event-ID: ${heard.cursor}`];
    const since = heard.cursor === "" ? "&since=0" : "";
    const url = `${server.url}/live/sse?match=chat.${room}.message_posted${since}`;
    const curl = spawn("curl", ["--no-buffer", "--silent", ...resume, url], { stdio: ["ignore", "pipe", "ignore"] });
    let block: Record<string, string> = {};
    const lines = createInterface({ input: curl.stdout });
    lines.on("line", (line) => {
      if (line !== "") {
        const [name = "", value = ""] = line.split(/: (.*)/, 2);
        block[name] = value;
        return;
      }
      // A block counts once it is whole.
      if (block["data"] !== undefined && block["event"] === undefined) heard.ids.push(eventId(block["data"]));
      heard.cursor = block["id"] ?? heard.cursor;
      block = {};
    });
    const over = once(lines, "close");
    // Who begins late would follow the next server, and not be cut off by the end of this one.
    await Promise.race([once(lines, "line"), over]);
    return { curl, over };
  };
  let following = await follow();
  try {
    await talkThroughCrashes(server, olga, room, async () => {
      await following.over;
      following = await follow();
    });
    await expectEverythingOnce(heard, olga, room);
  } finally {
    following.curl.kill();
  }
});
