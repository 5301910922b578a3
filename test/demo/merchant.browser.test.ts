import { existsSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Browser, chromium, type Page } from "playwright-core";
import { ShopUnderTest } from "./demo-shop.ts";

const CHROMIUM = "/usr/bin/chromium";
const present = existsSync(CHROMIUM);
if (!present && process.env.CI) throw new Error(`${CHROMIUM} is missing`);

let shop: ShopUnderTest;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  if (!present) return;
  shop = await ShopUnderTest.start();
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [...flags, "--disable-component-update", "--disable-sync"],
  });
  page = await (await browser.newContext({ locale: "en" })).newPage();
});
afterAll(async () => {
  if (!present) return;
  await browser.close();
  await shop[Symbol.asyncDispose]();
});

(present ? describe : describe.skip)("the merchant's side in a browser", () => {
  test("has no barrier that axe finds, light and dark, and nothing is cut off on a narrow screen", async () => {
    await using _sender = shop.sendWebhooks();
    const { id } = await shop.buy({ item: "basket" });
    await shop.pay(id);
    await fetch(`${shop.shop.url}/webhooks`, { method: "POST", body: "{}" });
    for (const address of [`/back?transaction=${id}`, "/merchant", `/merchant/${id}?still=1`]) {
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width: 1280, height: 800 });
        await page.goto(`${shop.shop.url}${address}`);
        for (const details of await page.locator("summary").all()) await details.click();
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map((violation) => [address, violation.id, violation.nodes[0]?.html])).toEqual([]);
        await page.setViewportSize({ width: 320, height: 800 });
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(320);
      }
    }
  });

  test("a sale under way comes up to date by itself, and what the shop asked opens at a click", async () => {
    const { id } = await shop.buy({ item: "single" });
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto(`${shop.shop.url}/merchant/${id}`);
    await shop.pay(id);
    await page.waitForSelector("[data-paid-at]", { timeout: 15_000 });
    await page.click("[data-still]");
    await page.click("summary");
    await page.waitForSelector("[data-request]");
    expect(await page.textContent("[data-request]")).toContain('"amount": 100');
    await page.click("[data-refresh]");
    await page.waitForSelector("[data-still]");
  });
});
