// The pages as a person knows them: what is on them and what one does there.

import { expect, type Locator, type Page } from "@playwright/test";

export type Persona = "Ada" | "Bo" | "Olga";

/** Enters as one of the demo's people, by the plain form on the first page. */
export async function signIn(page: Page, persona: Persona, at = ""): Promise<void> {
  await page.goto(`${at}/`);
  await page.getByRole("button", { name: `Enter as ${persona}` }).click();
  await page.waitForURL((url) => url.pathname !== "/");
  await expect(page.getByRole("button", { name: "Sign out" }).first()).toBeAttached();
}

/** Waits until the page is hydrated and hears the server. */
export async function live(page: Page): Promise<void> {
  await expect(connection(page)).toHaveAttribute("data-state", "live", { timeout: 40_000 });
}

/** The connection pill. */
export function connection(page: Page): Locator {
  return page.getByTestId("connection");
}

/** One room, opened in one page. */
export class RoomPage {
  constructor(
    readonly page: Page,
    readonly address: string,
  ) {}

  /** Opens the room and waits until it is live. */
  static async open(page: Page, address: string, at = ""): Promise<RoomPage> {
    const room = new RoomPage(page, address);
    await page.goto(`${at}/chat/${address}`);
    await live(page);
    return room;
  }

  get composer(): Locator {
    return this.page.getByLabel("Message", { exact: true });
  }

  get send(): Locator {
    return this.page.getByRole("button", { name: "Send", exact: true });
  }

  get messages(): Locator {
    return this.page.locator("[role=feed] article[data-message-id]");
  }

  /** The message that says this. */
  message(text: string): Locator {
    return this.messages.filter({ hasText: text });
  }

  /** The line above the composer that says who is typing. */
  get typing(): Locator {
    return this.page.getByTestId("typing");
  }

  /** How many are here, in the room's heading. */
  get here(): Locator {
    return this.page.getByTestId("here");
  }

  /** The circle of whoever wrote this; its `data-presence` says what they do now. */
  face(text: string): Locator {
    return this.message(text).locator(".face");
  }

  /** Types and sends; does not wait for the server. */
  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.send.click();
  }

  /** Says something and waits until it is on the server's disk. */
  async saySettled(text: string): Promise<void> {
    await this.say(text);
    await expect(this.message(text)).toHaveAttribute("data-state", "sent");
  }

  /** A control of a message; without a script it may be a link or a disclosure. */
  control(text: string, name: string): Locator {
    return this.message(text)
      .locator("button, a, summary")
      .filter({ hasText: new RegExp(`^\\s*${name}\\s*$`) })
      .or(this.message(text).getByRole("button", { name, exact: true }))
      .first();
  }

  /** The ids of the events behind the settled messages, in the order shown. */
  async shownEvents(): Promise<string[]> {
    const settled = this.page.locator("[role=feed] article[data-message-id][data-state=sent]");
    return settled.evaluateAll((articles) => articles.map((article) => article.getAttribute("data-event-id") ?? ""));
  }
}

/** Collects what the announcer says from now on. */
export async function listenToAnnouncer(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const heard: string[] = [];
    Object.assign(window, { heard });
    const announcer = document.querySelector("#announcer");
    if (!announcer) throw new Error("there is no #announcer");
    new MutationObserver(() => {
      const text = announcer.textContent?.trim() ?? "";
      if (text !== "" && heard.at(-1) !== text) heard.push(text);
    }).observe(announcer, { childList: true, characterData: true, subtree: true });
  });
  return () => page.evaluate(() => (window as unknown as { heard: string[] }).heard);
}

/** Collects every value that an attribute has from now on, beginning with the one it has. */
export async function collectAttribute(of: Locator, name: string): Promise<() => Promise<string[]>> {
  const values = await of.evaluateHandle((element, name) => {
    const values = [element.getAttribute(name) ?? ""];
    new MutationObserver(() => {
      const value = element.getAttribute(name) ?? "";
      if (values.at(-1) !== value) values.push(value);
    }).observe(element, { attributes: true, attributeFilter: [name] });
    return values;
  }, name);
  return () => values.jsonValue();
}

/** Whether the page is wider than its window. */
export async function scrollsSideways(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
}
