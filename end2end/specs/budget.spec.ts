// The first visit, in bytes on the wire, against budget.json. The bounds only ever go down without a reason.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "@playwright/test";

const ROOT = resolve(import.meta.dirname, "../..");
const PKG = resolve(ROOT, "target/site/pkg");

interface Budget {
  wasm: { raw: number; brotli: number };
  first_visit_brotli: number;
}

const budget = JSON.parse(readFileSync(resolve(ROOT, "budget.json"), "utf8")) as Budget;

/** The size of the one file of the build that ends so. */
function size(ending: RegExp): number {
  const found = readdirSync(PKG).filter((name) => ending.test(name));
  expect(found, `one file in target/site/pkg that matches ${ending}`).toHaveLength(1);
  return statSync(resolve(PKG, found[0] as string)).size;
}

test("the page's WebAssembly keeps to its budget", () => {
  expect(size(/\.wasm$/)).toBeLessThanOrEqual(budget.wasm.raw);
  expect(size(/\.wasm\.br$/)).toBeLessThanOrEqual(budget.wasm.brotli);
});

test("a first visit, fonts included, keeps to its budget", () => {
  const fonts = resolve(ROOT, "public/fonts");
  const font = readdirSync(fonts)
    .filter((name) => name.endsWith(".woff2"))
    .reduce((sum, name) => sum + statSync(resolve(fonts, name)).size, 0);
  const visit = size(/\.wasm\.br$/) + size(/\.js\.br$/) + size(/\.css\.br$/) + font;
  expect(visit).toBeLessThanOrEqual(budget.first_visit_brotli);
});
