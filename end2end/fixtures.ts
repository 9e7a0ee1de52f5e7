// What every browser test is given: a running server, a page that must not complain, further people in
// browsers of their own, and a wire to cut.

import { type BrowserContext, type BrowserContextOptions, expect, type Page, test as base } from "@playwright/test";
import { Api } from "./support/api";
import { Complaints } from "./support/console";
import { RoomPage, signIn } from "./support/pages";
import { Server, type ServerSettings } from "./support/server";
import { Wire } from "./support/wire";

interface ForOneTest {
  /** What the pages complained about; the test fails over any of it in the end. */
  complaints: Complaints;
  /** Opens another browser profile: another person, another device. */
  another: (options?: BrowserContextOptions) => Promise<Page>;
  /** A wire to the server that can be cut; using it allows for the errors of a cut wire. */
  wire: Wire;
  /** The API as one of the demo's people. */
  api: (handle: string, password?: string) => Promise<Api>;
  /** Ada and Bo, each in a browser of their own, in a public room of this test's own. */
  twoInARoom: TwoInARoom;
}

/** Two people who look at the same room. */
export interface TwoInARoom {
  ada: RoomPage;
  bo: RoomPage;
  /** Olga's hands and eyes behind the pages' backs; she opened the room. */
  olga: Api;
  address: string;
}

interface ForOneWorker {
  /** Settings of the server that differ from the defaults: `HUBBUB_…` by name. */
  settings: ServerSettings;
  server: Server;
}

export const test = base.extend<ForOneTest, ForOneWorker>({
  settings: [{}, { option: true, scope: "worker" }],

  server: [
    async ({ settings }, use) => {
      const server = await Server.start(settings);
      await use(server);
      await server.dispose();
    },
    { scope: "worker", timeout: 60_000 },
  ],

  baseURL: async ({ server }, use) => {
    // The test before may have ended with the server down.
    if (!server.running) await server.restart();
    await use(server.url);
  },

  complaints: [
    async ({ context, server }, use, info) => {
      const complaints = new Complaints();
      complaints.watch(context);
      await use(complaints);
      if (info.status !== "passed") {
        await info.attach("what the server said", { body: server.output, contentType: "text/plain" });
      }
      expect(complaints.remaining(), "a page complained").toEqual([]);
    },
    { auto: true },
  ],

  another: async ({ browser, baseURL, complaints, contextOptions }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (options = {}) => {
      const context = await browser.newContext({ ...contextOptions, ...(baseURL ? { baseURL } : {}), ...options });
      contexts.push(context);
      complaints.watch(context);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },

  wire: async ({ server, complaints }, use) => {
    complaints.allowBrokenWire();
    const wire = await Wire.to(server.url);
    await use(wire);
    await wire.dispose();
  },

  api: async ({ baseURL }, use) => {
    await use((handle, password) => Api.as(baseURL ?? "", handle, password));
  },

  twoInARoom: async ({ page, another, api }, use) => {
    const olga = await api("olga");
    const address = await olga.openRoom();
    const other = await another();
    await signIn(page, "Ada");
    await signIn(other, "Bo");
    const ada = await RoomPage.open(page, address);
    const bo = await RoomPage.open(other, address);
    await use({ ada, bo, olga, address });
  },
});

export { expect, type Locator, type Page } from "@playwright/test";
export { Api } from "./support/api";
export * from "./support/pages";
