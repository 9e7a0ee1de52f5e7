// Registering and signing in, with a browser that runs scripts.

import { expect, live, test } from "../fixtures";

/** A handle nobody has yet. */
function fresh(): string {
  return `p${Math.random().toString(36).slice(2, 10)}`;
}

test("somebody registers, signs out and signs in again", async ({ page }) => {
  const handle = fresh();
  await page.goto("/register");
  await page.getByLabel("Handle", { exact: true }).fill(handle);
  await page.getByLabel("Name", { exact: true }).fill("Petra New");
  await page.getByLabel("Password", { exact: true }).fill("correct horse battery");
  await page.getByLabel("Password", { exact: true }).press("Enter");
  await page.waitForURL((url) => url.pathname.startsWith("/chat"));
  await live(page);

  await page.getByRole("button", { name: "Sign out" }).first().evaluate((button: HTMLButtonElement) => {
    button.form?.requestSubmit();
  });
  await page.waitForURL((url) => url.pathname === "/");

  await page.goto("/sign-in");
  await page.getByLabel("Handle", { exact: true }).fill(handle);
  await page.getByLabel("Password", { exact: true }).fill("correct horse battery");
  await page.getByLabel("Password", { exact: true }).press("Enter");
  await page.waitForURL((url) => url.pathname.startsWith("/chat"));
  await expect(page.getByRole("button", { name: "Sign out" }).first()).toBeAttached();
});

test("a wrong password and an unknown handle get the same answer, and the handle stays typed", async ({
  page,
  complaints,
}) => {
  for (const status of [401, 403, 422]) complaints.allowStatus(status);
  const answers: string[] = [];
  for (const handle of ["ada", fresh()]) {
    await page.goto("/sign-in");
    await page.getByLabel("Handle", { exact: true }).fill(handle);
    await page.getByLabel("Password", { exact: true }).fill("certainly wrong");
    await page.getByLabel("Password", { exact: true }).press("Enter");
    const alert = page.getByRole("alert").filter({ hasText: /./ }).first();
    await expect(alert).toBeVisible();
    answers.push((await alert.innerText()).trim());
    await expect(page.getByLabel("Handle", { exact: true })).toHaveValue(handle);
    await expect(page.getByLabel("Password", { exact: true })).toHaveValue("");
  }
  expect(answers[0]).toBe(answers[1]);
});

test("a handle that is taken is refused by name, and what was typed is kept", async ({ page, complaints }) => {
  complaints.allowStatus(409);
  await page.goto("/register");
  await page.getByLabel("Handle", { exact: true }).fill("ada");
  await page.getByLabel("Name", { exact: true }).fill("Another Ada");
  await page.getByLabel("Password", { exact: true }).fill("correct horse battery");
  await page.getByLabel("Password", { exact: true }).press("Enter");
  await expect(page.getByRole("alert").filter({ hasText: "taken" })).toBeVisible();
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("Another Ada");
});
