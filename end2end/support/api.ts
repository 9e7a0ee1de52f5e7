// The server's HTTP API, for what a test prepares or looks up behind the page's back.

import { randomUUID } from "node:crypto";

/** An event as the log has it. */
export interface LoggedEvent {
  id: string;
  type: string;
  sequence: string;
  data: Record<string, unknown>;
}

/** What an accepted command led to. */
export interface Receipt {
  position: number;
  events: { id: string; position: number }[];
}

export class Api {
  private constructor(
    private readonly url: string,
    private readonly token: string,
    /** Whose eyes it looks with. */
    readonly user: string,
  ) {}

  /** Signs somebody in. */
  static async as(url: string, handle: string, password = "demo"): Promise<Api> {
    const session = (await call(`${url}/api/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ handle, password }),
    })) as { token: string; user: string };
    return new Api(url, session.token, session.user);
  }

  /** Runs a command under a fresh id. */
  async run(command: string, data: Record<string, unknown>): Promise<Receipt> {
    return (await call(`${this.url}/api/commands/${command}`, {
      method: "POST",
      headers: { ...this.headers(), "content-type": "application/json", "idempotency-key": randomUUID() },
      body: JSON.stringify(data),
    })) as Receipt;
  }

  /** Brings an event in from outside, as a device does. */
  async report(type: string, data: Record<string, unknown>): Promise<void> {
    const event = { specversion: "1.0", id: randomUUID(), source: "/couriers/test", type, data };
    await call(`${this.url}/api/ingest`, {
      method: "POST",
      headers: { ...this.headers(), "content-type": "application/cloudevents+json" },
      body: JSON.stringify(event),
    });
  }

  /** A room of this test's own; returns its address. */
  async openRoom(room: { private?: boolean } = {}): Promise<string> {
    const address = `t-${randomUUID().slice(0, 8)}`;
    await this.run("chat.open_room", { room: address, title: `Room ${address}`, private: room.private ?? false });
    return address;
  }

  /** Says something; returns the id of the event. */
  async say(room: string, text: string): Promise<string> {
    const receipt = await this.run("chat.post_message", { room, text });
    const event = receipt.events[0];
    if (!event) throw new Error("a message was accepted and nothing happened");
    return event.id;
  }

  /** Everything in the log that the pattern matches and this person may see, in order. */
  async log(pattern: string): Promise<LoggedEvent[]> {
    const events: LoggedEvent[] = [];
    for (let after = 0; ; ) {
      const query = new URLSearchParams({ match: pattern, after: String(after), limit: "1000" });
      const page = (await call(`${this.url}/api/events?${query}`, { headers: this.headers() })) as {
        events: LoggedEvent[];
        next: number;
      };
      events.push(...page.events);
      // An empty page is not the end; one that leads nowhere is.
      if (page.next <= after) return events;
      after = page.next;
    }
  }

  private headers(): Record<string, string> {
    return { authorization: `Bearer ${this.token}` };
  }
}

async function call(url: string, request: RequestInit): Promise<unknown> {
  const response = await fetch(url, request);
  const text = await response.text();
  if (!response.ok) throw new Error(`${request.method ?? "GET"} ${url}: ${response.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}
