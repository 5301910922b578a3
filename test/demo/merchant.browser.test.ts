import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { barriersIn, inBrowser, launchChromium } from "../support/chromium.ts";
import { ShopUnderTest } from "./demo-shop.ts";

let shop: ShopUnderTest;
let browser: Browser;
let page: Page;

inBrowser("the merchant's side in a browser", () => {
  beforeAll(async () => {
    shop = await ShopUnderTest.start();
    browser = await launchChromium();
    page = await (await browser.newContext({ locale: "en" })).newPage();
  });
  afterAll(async () => {
    await browser.close();
    await shop[Symbol.asyncDispose]();
  });

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
        expect([address, await barriersIn(page)]).toEqual([address, []]);
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
