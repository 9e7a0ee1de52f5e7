// A picture of every page, to be looked at: test-results/screens/<page>-<theme>-<size>.png. The README shows
// one of them.

import { resolve } from "node:path";
import { connection, expect, live, type Page, type Persona, signIn, test } from "../fixtures";
import { asConfirmed, type Bought, bought } from "../support/shopping";

// Couriers that need not be waited for.
test.use({ settings: { HUBBUB_COURIER_PACE_MS: "50" } });

// They know nothing of each other, and each takes long.
test.describe.configure({ mode: "parallel" });

const FOLDER = resolve(import.meta.dirname, "../test-results/screens");
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
const THEMES = ["light", "dark"] as const;

interface Shown {
  name: string;
  path: string;
  /** Whose page; nobody's for a visitor's. */
  as?: Persona;
}

const BEFORE: Shown[] = [
  { name: "home", path: "/" },
  { name: "sign-in", path: "/sign-in" },
  { name: "register", path: "/register" },
  { name: "not-found", path: "/no/such/page" },
  { name: "chat-visitor", path: "/chat/lobby" },
  { name: "rooms", path: "/chat", as: "Bo" },
  { name: "chat", path: "/chat/lobby", as: "Bo" },
  { name: "chat-private", path: "/chat/backstage", as: "Bo" },
  { name: "shop-visitor", path: "/shop" },
  { name: "product-visitor", path: "/shop/enamel-kettle" },
  { name: "shop", path: "/shop?category=Kitchen", as: "Bo" },
  { name: "shop-nothing", path: "/shop?q=nothing-like-it", as: "Bo" },
  { name: "product", path: "/shop/pendant-dome", as: "Bo" },
  { name: "cart-empty", path: "/cart", as: "Bo" },
  { name: "orders-empty", path: "/orders", as: "Bo" },
  { name: "desk-empty", path: "/desk", as: "Bo" },
  { name: "wallet", path: "/wallet", as: "Bo" },
  { name: "settings", path: "/settings", as: "Bo" },
];

/** The pages once somebody has bought something. */
function after({ delivered, flagged, cancelled }: Bought, past: string): Shown[] {
  return [
    { name: "cart", path: "/cart", as: "Ada" },
    { name: "checkout", path: "/checkout", as: "Ada" },
    { name: "orders", path: "/orders", as: "Ada" },
    { name: "order-delivered", path: `/orders/${delivered}`, as: "Ada" },
    { name: "order-flagged", path: `/orders/${flagged}`, as: "Ada" },
    { name: "order-cancelled", path: `/orders/${cancelled}`, as: "Ada" },
    { name: "order-then", path: past, as: "Ada" },
    { name: "wallet-used", path: "/wallet", as: "Ada" },
    { name: "wallet-then", path: past.replace(/.*\?/, "/wallet?"), as: "Ada" },
    { name: "past-of-nothing", path: "/wallet?at=999999999", as: "Ada" },
    { name: "notifications", path: "/notifications", as: "Ada" },
    { name: "desk", path: "/desk", as: "Bo" },
    { name: "chat-order", path: "/chat/help", as: "Bo" },
  ];
}

async function picture(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: `${FOLDER}/${name}.png`, animations: "disabled", caret: "hide" });
}

/** Opens each page once, and takes its picture in both themes and both sizes. */
async function pictures(pages: Shown[], another: () => Promise<Page>): Promise<void> {
  const opened = new Map<Persona | undefined, Page>();
  for (const { name, path, as } of pages) {
    const page = opened.get(as) ?? (await another());
    if (as && !opened.has(as)) await signIn(page, as);
    opened.set(as, page);
    await page.goto(path);
    await expect(page.locator("main")).toBeVisible();
    await live(page);
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      for (const theme of THEMES) {
        await page.emulateMedia({ colorScheme: theme });
        await picture(page, `${name}-${theme}-${size}`);
      }
    }
  }
}

test("every page, before anything was bought", async ({ another, complaints }) => {
  complaints.allowStatus(404);
  await pictures(BEFORE, another);
});

test("every page of the shop, once somebody has bought something", async ({ another, api, complaints }) => {
  complaints.allowStatus(400);
  const ada = await api("ada");
  const all = await bought(ada, await api("bo"));
  await pictures(after(all, await asConfirmed(ada, all.delivered)), another);
});

test("the states of a message and of the connection", async ({ another, wire }) => {
  const page = await another({ colorScheme: "light", viewport: SIZES.desktop });
  await signIn(page, "Ada", wire.url);
  await page.goto(`${wire.url}/chat/market`);
  await live(page);
  wire.cut();
  await expect(connection(page)).toHaveAttribute("data-state", /reconnecting|offline/);
  await page.getByLabel("Message", { exact: true }).fill("This one waits for the network.");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.locator("article[data-state=pending], article[data-state=failed]")).toHaveCount(1);
  await picture(page, "chat-disconnected-light-desktop");
});
