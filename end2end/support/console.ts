// What a page complains about. A test fails over any error on the console, any exception and any warning of
// the framework's (hydration above all), unless it said beforehand what it was going to break.

import type { BrowserContext, ConsoleMessage, Page } from "@playwright/test";

/** The framework's own warnings; those of the browser about itself are not ours. */
const OF_THE_FRAMEWORK = /hydrat|leptos|reactive|signal|disposed|tachys|panicked/i;

/** What a browser says when a connection is cut under it. */
const BROKEN_WIRE = /net::ERR_|WebSocket connection to .* failed/;

export class Complaints {
  private readonly all: string[] = [];
  private readonly allowed: RegExp[] = [];

  /** Listens to every page of a context, those that are open and those to come. */
  watch(context: BrowserContext): void {
    for (const page of context.pages()) this.listen(page);
    context.on("page", (page) => this.listen(page));
  }

  /** This test cuts connections on purpose. */
  allowBrokenWire(): void {
    this.allowed.push(BROKEN_WIRE);
  }

  /** This test makes the server refuse with this status on purpose. */
  allowStatus(status: number): void {
    this.allowed.push(new RegExp(`Failed to load resource: the server responded with a status of ${status}`));
  }

  /** What was not allowed. */
  remaining(): string[] {
    return this.all.filter((text) => !this.allowed.some((pattern) => pattern.test(text)));
  }

  private listen(page: Page): void {
    page.on("console", (message) => {
      if (isComplaint(message)) this.all.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    });
    page.on("pageerror", (error) => this.all.push(`exception: ${error.stack ?? error.message}`));
    page.on("crash", () => this.all.push("the page crashed"));
  }
}

function isComplaint(message: ConsoleMessage): boolean {
  const warns = message.type() === "warning" && OF_THE_FRAMEWORK.test(message.text());
  return message.type() === "error" || warns;
}
