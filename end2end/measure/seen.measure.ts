// From acknowledged to seen: how long after the server's answer has come to one browser another one's page shows what
// came of it. `make seen` prints it; SAMPLES says how many of each.
//
// One browser sends, another shows; both are processes of their own. When something is shown is noted by the page
// itself, in a MutationObserver, so that nothing is polled for. Both read the machine's one clock.

import { randomUUID } from "node:crypto";
import type { Browser, BrowserContext } from "@playwright/test";
import { Api, expect, live, type Page, signIn, test } from "../fixtures";

const SAMPLES = Number(process.env["SAMPLES"] ?? 300);

/** The first of each are not counted: code is compiled then, and connections are opened. */
const WARM_UP = 10;

/** Whoever orders more than this in ten minutes has the next one looked at by a person. */
const EACH = 5;

const PRICE = 1_650;

test.use({
  settings: {
    HUBBUB_COMMANDS_PER_MINUTE: "0",
    HUBBUB_REGISTRATIONS_PER_MINUTE: "0",
    HUBBUB_WELCOME_CENTS: "100000",
  },
});

/** What the pages of a measurement know. */
interface Watched extends Window {
  /** Milliseconds since 1970, by the machine's clock, finer than `Date.now` says it. */
  clock: () => number;
  /** Begins to look for this, and says when it was shown. */
  shown: (selector: string) => Promise<number>;
}

/** Runs in each page of a measurement, before anything else. */
function watch(): void {
  const page = window as unknown as Watched;
  let turned = Date.now();
  while (Date.now() === turned);
  turned = Date.now();
  const offset = turned - performance.now();
  page.clock = () => performance.now() + offset;
  page.shown = (selector) =>
    new Promise((resolve) => {
      const look = (): boolean => {
        if (document.querySelector(selector) === null) return false;
        resolve(page.clock());
        return true;
      };
      if (look()) return;
      const observer = new MutationObserver(() => {
        if (look()) observer.disconnect();
      });
      observer.observe(document, { subtree: true, childList: true, attributes: true });
    });
}

/** A page that is watched. */
async function watched(context: BrowserContext): Promise<Page> {
  await context.addInitScript(watch);
  return context.newPage();
}

/** Sends a command as whoever is signed in to the page; when the answer was there. */
async function acknowledged(page: Page, name: string, id: string, data: object): Promise<number> {
  return page.evaluate(
    async ({ name, id, body }) => {
      const headers = { "content-type": "application/json", "idempotency-key": id };
      const answer = await fetch(`/api/commands/${name}`, { method: "POST", headers, body });
      const at = (window as unknown as Watched).clock();
      if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
      return at;
    },
    { name, id, body: JSON.stringify(data) },
  );
}

/** How long after it was acknowledged something was shown in another page. */
async function seen(page: Page, selector: string, sent: () => Promise<number>): Promise<number> {
  const looking = page.evaluateHandle((selector) => ({ shown: (window as unknown as Watched).shown(selector) }), selector);
  const handle = await looking;
  const at = await sent();
  return (await handle.evaluate(({ shown }) => shown)) - at;
}

function percentile(sorted: number[], percent: number): number {
  const nth = Math.ceil((sorted.length * percent) / 100) - 1;
  return Number((sorted[Math.max(nth, 0)] ?? Number.NaN).toFixed(2));
}

/** Prints a line for people, and one for programs. */
function report(name: string, title: string, late: number[]): void {
  const sorted = late.slice(WARM_UP).sort((a, b) => a - b);
  const [p50, p99, max] = [50, 99, 100].map((percent) => percentile(sorted, percent));
  console.log(`${title}: p50 ${p50} ms, p99 ${p99} ms, worst ${max} ms (${sorted.length} samples)`);
  console.log(JSON.stringify({ measure: name, samples: sorted.length, p50_ms: p50, p99_ms: p99, max_ms: max }));
}

/** A second browser, for those who look. */
async function second(browser: Browser, run: (other: Browser) => Promise<void>): Promise<void> {
  const { launchOptions } = test.info().project.use;
  const other = await browser.browserType().launch(launchOptions);
  await run(other);
  await other.close();
}

test("a chat message", async ({ browser, baseURL, api }) => {
  const url = baseURL ?? "";
  const room = await (await api("olga")).openRoom();
  await second(browser, async (other) => {
    const [sender, reader] = await Promise.all([browser, other].map(async (each) => watched(await each.newContext())));
    if (!sender || !reader) throw new Error("two browsers have two pages");
    await signIn(sender, "Ada", url);
    // Another page of hers: showing the room would keep her browser busy.
    await sender.goto(`${url}/settings`);
    await signIn(reader, "Bo", url);
    await reader.goto(`${url}/chat/${room}`);
    await live(reader);
    const late: number[] = [];
    while (late.length < SAMPLES + WARM_UP) {
      const id = randomUUID();
      const say = () => acknowledged(sender, "chat.post_message", id, { room, text: `Word ${late.length}` });
      late.push(await seen(reader, `article[data-message-id="${id}"]`, say));
    }
    report("message_seen", "A message, from acknowledged to the other browser's page", late);
  });
});

/** Somebody who orders in one browser and looks at their orders in the other. */
async function customer(browsers: Browser[], url: string): Promise<{ close: () => Promise<void>; pages: Page[] }> {
  const contexts = await Promise.all(browsers.map((each) => each.newContext()));
  const handle = `c${randomUUID().slice(0, 8)}`;
  const [headers, password] = [{ origin: url }, "long enough"];
  for (const [nth, context] of contexts.entries()) {
    const form = nth === 0 ? { handle, name: "Cleo", password, _id: randomUUID() } : { handle, password };
    const answer = await context.request.post(`${url}/${nth === 0 ? "register" : "sign-in"}`, { form, headers });
    expect(answer.ok(), await answer.text()).toBe(true);
  }
  const pages = await Promise.all(contexts.map(watched));
  return { pages, close: async () => void (await Promise.all(contexts.map((context) => context.close()))) };
}

test("an order", async ({ browser, baseURL, api }) => {
  const url = baseURL ?? "";
  const sku = "pot-terracotta";
  const olga: Api = await api("olga");
  await olga.run("stock.receive", { sku, quantity: SAMPLES + WARM_UP + EACH });
  await second(browser, async (other) => {
    const late: number[] = [];
    while (late.length < SAMPLES + WARM_UP) {
      const { pages, close } = await customer([browser, other], url);
      const [buyer, reader] = pages;
      if (!buyer || !reader) throw new Error("two browsers have two pages");
      await buyer.goto(`${url}/settings`);
      await reader.goto(`${url}/wallet`);
      await live(reader);
      await expect(reader.getByTestId("available")).toHaveText("€1,000.00");
      await reader.goto(`${url}/orders`);
      await live(reader);
      for (let nth = 0; nth < EACH && late.length < SAMPLES + WARM_UP; nth += 1) {
        const id = randomUUID();
        await acknowledged(buyer, "cart.add_item", randomUUID(), { sku, quantity: 1 });
        const place = () => acknowledged(buyer, "order.place", id, { expected_total_cents: PRICE });
        const selector = `.order-link[href="/orders/${id}"] .status[data-status="confirmed"]`;
        late.push(await seen(reader, selector, place));
      }
      await close();
    }
    report("order_confirmed_seen", "An order, from placed (acknowledged) to Confirmed in the other browser's page", late);
  });
});
