// What people are told is mailed to them, over a mail server that is not ours. No browser is needed here.

import { expect, test } from "@playwright/test";
import { Api, type LoggedEvent } from "../support/api";
import { Mailroom } from "../support/mailroom";
import { Server } from "../support/server";
import { happened, order } from "../support/shopping";

let mailroom: Mailroom;
let server: Server;

test.beforeAll(async () => {
  mailroom = await Mailroom.open();
  server = await Server.start({
    HUBBUB_SMTP_URL: mailroom.url,
    HUBBUB_MAIL_FROM: "Hubbub at the corner <hello@shop.example>",
    HUBBUB_MAIL_DOMAIN: "people.example",
    HUBBUB_PUBLIC_URL: "https://shop.example",
  });
});

test.afterAll(async () => {
  await server.dispose();
  await mailroom.close();
});

/** An order for a mug; returns its id and the subject of the mail that says that it is confirmed. */
async function mug(buyer: Api): Promise<{ id: string; confirmed: string }> {
  const id = await order(buyer, 1_800, ["mug-speckled", 1]);
  await happened(buyer, id, "order.confirmed");
  return { id, confirmed: `Your order ${id.slice(-6)} is confirmed.` };
}

/** The one of these events that is about a notification of this text. */
async function told(somebody: Api, text: string, type: string): Promise<LoggedEvent[]> {
  const raised = (await somebody.log("notification.*.raised")).filter(({ data }) => data["text"] === text);
  const events = await somebody.log(`notification.*.${type}`);
  return events.filter(({ data }) => raised.some((event) => event.data["notification"] === data["notification"]));
}

test("what becomes of an order arrives as a mail that any program reads", async () => {
  const ada = await Api.as(server.url, "ada");
  const { id, confirmed } = await mug(ada);
  await expect.poll(() => mailroom.about("ada@people.example", confirmed).length).toBe(1);
  const [taken] = mailroom.about("ada@people.example", confirmed);
  expect(taken?.from).toBe("hello@shop.example");
  const [raised] = await told(ada, confirmed, "raised");
  expect(taken?.mail).toMatchObject({
    messageId: `<${raised?.id}@people.example>`,
    from: { name: "Hubbub at the corner", address: "hello@shop.example" },
    to: [{ name: "Ada", address: "ada@people.example" }],
    subject: confirmed,
  });
  expect(taken?.mail.text?.trimEnd()).toBe(`Hello Ada,\n\n${confirmed}\n\nhttps://shop.example/orders/${id}`);
  expect(Math.abs(Date.now() - Date.parse(taken?.mail.date ?? ""))).toBeLessThan(600_000);
  await expect.poll(async () => (await told(ada, confirmed, "email_sent")).length).toBe(1);
});

test("a mail server that is busy is asked again, one that refuses is not, and nobody else waits", async () => {
  const bo = await Api.as(server.url, "bo");
  const olga = await Api.as(server.url, "olga");
  const already = mailroom.refused.length;
  mailroom.answer("bo@people.example", 451);
  mailroom.answer("olga@people.example", 550);
  const busy = await mug(bo);
  const unwanted = await mug(olga);
  await expect.poll(() => mailroom.about("bo@people.example", busy.confirmed).length).toBe(1);
  await expect.poll(() => told(olga, unwanted.confirmed, "email_failed")).toHaveLength(1);
  const [failed] = await told(olga, unwanted.confirmed, "email_failed");
  expect(failed?.data["reason"]).toBe("refused");
  expect(mailroom.refused.slice(already).sort()).toEqual(["451 bo@people.example", "550 olga@people.example"]);

  // What comes later is mailed: it was that mail and not that person.
  const next = await mug(olga);
  await expect.poll(() => mailroom.about("olga@people.example", next.confirmed).length).toBe(1);
  expect(mailroom.about("olga@people.example", unwanted.confirmed)).toEqual([]);
  expect(mailroom.about("bo@people.example", busy.confirmed)).toHaveLength(1);
  // Nor does it lie among what the desk has to look after.
  expect(await olga.log("service.mail.>")).toEqual([]);
});

test("mail waits for a mail server that is down, over a kill, and is then sent once", async () => {
  await mailroom.close();
  let ada = await Api.as(server.url, "ada");
  const { confirmed } = await mug(ada);
  await expect.poll(() => server.output).toContain("The mail server does not take it now");
  expect(await told(ada, confirmed, "email_sent")).toEqual([]);
  await server.kill9();
  await server.restart();
  await mailroom.reopen();
  ada = await Api.as(server.url, "ada");
  await expect.poll(async () => (await told(ada, confirmed, "email_sent")).length).toBe(1);
  expect(mailroom.about("ada@people.example", confirmed)).toHaveLength(1);
});
