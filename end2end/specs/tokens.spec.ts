// Tokens in the settings: made, used, revoked; with scripts and without.

import { randomUUID } from "node:crypto";
import type { Page } from "@playwright/test";
import { expect, live, signIn, test } from "../fixtures";

async function make(page: Page, name: string, scopes: string[]): Promise<string> {
  await page.locator("summary", { hasText: "New token" }).click();
  await page.getByLabel("What is it for?").fill(name);
  for (const scope of ["read", "command", "ingest"]) {
    await page.locator(`input[name=${scope}]`).setChecked(scopes.includes(scope));
  }
  await page.getByRole("button", { name: "Make token" }).click();
  const secret = page.getByLabel(`The token “${name}”`);
  await expect(secret).toBeVisible();
  return secret.inputValue();
}

function entry(page: Page, name: string) {
  return page.locator("#tokens li", { hasText: name });
}

async function revoke(page: Page, name: string): Promise<void> {
  await entry(page, name).locator("summary").click();
  await entry(page, name).getByRole("button", { name: "Yes, revoke it" }).click();
  await expect(entry(page, name)).toHaveCount(0);
}

async function status(url: string, token: string): Promise<number> {
  return (await fetch(`${url}/api/events`, { headers: { authorization: `Bearer ${token}` } })).status;
}

for (const javaScriptEnabled of [true, false]) {
  test(`a token is made, works, and ends when it is revoked (scripts: ${javaScriptEnabled})`, async ({
    another,
    server,
  }) => {
    const page = await another({ javaScriptEnabled });
    await signIn(page, "Olga");
    await page.goto("/settings");
    if (javaScriptEnabled) await live(page);
    const name = `Robot ${javaScriptEnabled}`;
    const secret = await make(page, name, ["read"]);
    expect(await status(server.url, secret)).toBe(200);
    await expect(entry(page, name)).toContainText("read");
    await page.goto("/settings");
    await expect(page.getByText(secret)).toHaveCount(0);
    await expect(page.getByLabel(`The token “${name}”`)).toHaveCount(0);
    await revoke(page, name);
    expect(await status(server.url, secret)).toBe(401);
  });
}

test("a secret is copied with one press", async ({ another }) => {
  const page = await another({ permissions: ["clipboard-read", "clipboard-write"] });
  await signIn(page, "Olga");
  await page.goto("/settings");
  await live(page);
  const secret = await make(page, "Copied robot", ["read", "command"]);
  await live(page);
  await page.getByRole("button", { name: "Copy" }).click();
  await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
  await revoke(page, "Copied robot");
});

test("a token that may do nothing is refused, and what was typed is kept", async ({ page, complaints }) => {
  complaints.allowStatus(422);
  await signIn(page, "Olga");
  await page.goto("/settings");
  await page.locator("summary", { hasText: "New token" }).click();
  await page.getByLabel("What is it for?").fill("Idle robot");
  await page.locator("input[name=read]").uncheck();
  await page.getByLabel("It lasts").selectOption("7");
  await page.getByRole("button", { name: "Make token" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "Choose what the token may be used for" })).toBeVisible();
  await expect(page.getByLabel("What is it for?")).toHaveValue("Idle robot");
  await expect(page.getByLabel("It lasts")).toHaveValue("7");
  await expect(page.locator("input[name=read]")).not.toBeChecked();
});

test("sessions elsewhere are ended from here", async ({ page, another }) => {
  // Somebody new, who is signed in nowhere but here, in another browser and in a program.
  const person = { handle: `p${randomUUID().slice(0, 8)}`, password: "correct horse battery" };
  const elsewhere = await another();
  expect((await elsewhere.request.post("/api/accounts", { data: person })).status()).toBe(201);
  for (const device of [await another(), page]) {
    expect((await device.request.post("/api/session", { data: person })).status()).toBe(200);
  }
  await elsewhere.goto("/settings");
  await live(elsewhere);
  await page.goto("/settings");
  const others = page.locator(".session", { hasNotText: "this one" }).filter({ has: page.locator("summary", { hasText: "End" }) });
  await expect(others).toHaveCount(2);
  for (const left of [1, 0]) {
    await others.first().locator("summary").click();
    await others.first().getByRole("button", { name: "Yes, end it" }).click();
    await expect(others).toHaveCount(left);
  }
  await elsewhere.goto("/settings");
  await expect(elsewhere.getByRole("link", { name: "Sign in" }).first()).toBeAttached();
});
