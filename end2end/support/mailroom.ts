// A mail server of other people's making that takes our mail over SMTP, reads it as a mail program does, and has its
// moods.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import PostalMime, { type Email } from "postal-mime";
import { SMTPServer } from "smtp-server";

/** A mail that was taken. */
export interface Taken {
  /** Who handed it in, as the envelope says. */
  from: string;
  /** Whom it is for, as the envelope says. */
  to: string[];
  /** What is in it. */
  mail: Email;
}

export class Mailroom {
  /** What was taken, in order. */
  readonly taken: Taken[] = [];
  /** What was refused: the code and whom it was for. */
  readonly refused: string[] = [];
  private readonly moods = new Map<string, number[]>();
  private port = 0;
  private smtp = this.server();

  private constructor() {}

  /** Opens on a free port of this machine. */
  static async open(): Promise<Mailroom> {
    const room = new Mailroom();
    await room.listen();
    return room;
  }

  /** Where it is: the address for the settings. */
  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  /** Answers the next mails for this address with these codes, one each. */
  answer(address: string, ...codes: number[]): void {
    this.moods.set(address, codes);
  }

  /** What was taken for this address under this subject. */
  about(address: string, subject: string): Taken[] {
    return this.taken.filter(({ to, mail }) => to.includes(address) && mail.subject === subject);
  }

  /** Takes no connection any more. */
  async close(): Promise<void> {
    await new Promise<void>((closed) => this.smtp.close(() => closed()));
  }

  /** Takes connections again, where it did before. */
  async reopen(): Promise<void> {
    this.smtp = this.server();
    await this.listen();
  }

  private async listen(): Promise<void> {
    const listening = this.smtp.listen(this.port, "127.0.0.1");
    await once(listening, "listening");
    this.port = (listening.address() as AddressInfo).port;
  }

  private server(): SMTPServer {
    return new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      onRcptTo: ({ address }, _session, answer) => {
        const code = this.moods.get(address)?.shift();
        if (code === undefined) return answer();
        this.refused.push(`${code} ${address}`);
        answer(Object.assign(new Error("not in the mood"), { responseCode: code }));
      },
      onData: (stream, { envelope }, answer) => {
        const taking = async (): Promise<void> => {
          const mail = await PostalMime.parse(await buffer(stream));
          const from = envelope.mailFrom ? envelope.mailFrom.address : "";
          this.taken.push({ from, to: envelope.rcptTo.map(({ address }) => address), mail });
        };
        taking().then(() => answer(), answer);
      },
    });
  }
}
