// What a page that stays open costs: the memory of a room's page while events come in. `make seen` prints it; EVENTS
// says how many.

import { readFile } from "node:fs/promises";
import type { CDPSession } from "@playwright/test";
import { expect, RoomPage, signIn, test } from "../fixtures";

const EVENTS = Number(process.env["EVENTS"] ?? 50_000);

/** So many are said before it counts: what a room shows at most is there by then. */
const WARM_UP = 5_000;

/** How many are on their way at once. */
const AT_ONCE = 32;

test.use({ settings: { HUBBUB_COMMANDS_PER_MINUTE: "0" } });

/** What a page holds once its garbage is collected. */
interface Held {
  heap_mib: number;
  wasm_mib: number;
  nodes: number;
  listeners: number;
  /** All of its process; only Linux tells. */
  process_mib: number | undefined;
}

function mib(bytes: number): number {
  return Number((bytes / 2 ** 20).toFixed(1));
}

test("a page over very many events", async ({ page, browser, baseURL, api }) => {
  const url = baseURL ?? "";
  const olga = await api("olga");
  const address = await olga.openRoom();
  await page.addInitScript(() => {
    // The page's memory for WebAssembly: nobody else can look at it.
    const instantiate = WebAssembly.instantiateStreaming.bind(WebAssembly);
    WebAssembly.instantiateStreaming = async (source, imports) => {
      const made = await instantiate(source, imports);
      Object.assign(window, { memory: made.instance.exports["memory"] });
      return made;
    };
  });
  await signIn(page, "Bo", url);
  const room = await RoomPage.open(page, address, url);
  const [inPage, inBrowser] = [await page.context().newCDPSession(page), await browser.newBrowserCDPSession()];
  await inPage.send("Performance.enable");

  const processes = async (): Promise<number | undefined> => {
    const { processInfo } = await inBrowser.send("SystemInfo.getProcessInfo");
    const resident = processInfo
      .filter(({ type }) => type === "renderer")
      .map(async ({ id }) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${id}/status`, "utf8"))?.[1]));
    return mib((await Promise.all(resident)).reduce((sum, kib) => sum + kib, 0) * 1024);
  };
  const held = async (session: CDPSession): Promise<Held> => {
    await session.send("HeapProfiler.collectGarbage");
    const { metrics } = await session.send("Performance.getMetrics");
    const metric = (wanted: string) => metrics.find(({ name }) => name === wanted)?.value ?? Number.NaN;
    const wasm = await page.evaluate(
      () => (window as unknown as { memory: WebAssembly.Memory }).memory.buffer.byteLength,
    );
    return {
      heap_mib: mib(metric("JSHeapUsedSize")),
      wasm_mib: mib(wasm),
      nodes: metric("Nodes"),
      listeners: metric("JSEventListeners"),
      process_mib: process.platform === "linux" ? await processes() : undefined,
    };
  };

  let said = 0;
  const talk = async (until: number) => {
    const start = Date.now();
    const one = async () => {
      while (said < until) await olga.say(address, `Word ${++said}`);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    await expect(room.message(`Word ${until}`)).toBeVisible({ timeout: 120_000 });
    return until / ((Date.now() - start) / 1000);
  };
  await talk(WARM_UP);
  const before = await held(inPage);
  const rate = await talk(WARM_UP + EVENTS);
  const after = await held(inPage);
  const shown = (held: Held) =>
    `${held.heap_mib} MiB of objects, ${held.wasm_mib} of WebAssembly, ${held.nodes} nodes, ` +
    `${held.listeners} listeners, ${held.process_mib ?? "?"} MiB in all`;
  console.log(`A room's page, before ${EVENTS} events: ${shown(before)}; after them: ${shown(after)}`);
  console.log(JSON.stringify({ measure: "tab_memory", events: EVENTS, rate: Math.round(rate), before, after }));
});
