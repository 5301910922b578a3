/// <reference lib="dom" />
import path from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import type { BrowserContext, Page } from "playwright-core";
import { composeHttp } from "../../bin/serve-http.ts";
import { LANGUAGES, type Language, message } from "../../core/messages.ts";
import { watchTransactions } from "../../db/notices.ts";
import { startDemoShop } from "../../demo/shop.ts";
import { launchChromium, PICTURES } from "../support/chromium.ts";
import { WEBHOOKS } from "../support/webhooks.ts";
import { NUMBERS, openExchange } from "../telephony/exchange.ts";
import { placeCall } from "../telephony/sip-call.ts";

const HTTP_PORT = 22_010;
const JOURNEY_MS = 150_000;

// The whole product as a shopper meets it: shop, pay page, Asterisk, voice server, database, browser.
const resources = new AsyncDisposableStack();
const exchange = resources.use(await openExchange({ firstPort: 22_000 }));
const baseUrl = `http://127.0.0.1:${HTTP_PORT}`;
const http = await composeHttp({
  config: {
    http: { host: "127.0.0.1", port: HTTP_PORT, baseUrl, trustProxy: false },
    provider: { name: "Exemple Télécom SA", address: "avenue de l’Exemple 1, 1009 Pully" },
    webhooks: WEBHOOKS,
  },
  db: exchange.db,
  watch: resources.use(await watchTransactions(exchange.databaseUrl)),
});
await http.listen({ host: "127.0.0.1", port: HTTP_PORT });
resources.defer(() => http.close());
const shop = await startDemoShop({
  port: 0,
  host: "127.0.0.1",
  phone2pay: { baseUrl, apiKey: exchange.liveKey },
  webhookSecret: null,
  softphone: null,
  asterisk: "real",
});
resources.defer(() => shop.close());
const browser = await launchChromium();
resources.defer(() => browser.close());

afterAll(async () => {
  await resources.disposeAsync();
});

/** Buys the single in the shop and ends on the pay page. */
async function buy(context: BrowserContext, language: Language): Promise<{ page: Page; code: string; id: string }> {
  const page = await context.newPage();
  await page.goto(`${shop.url}/?lang=${language}`);
  await page.locator("input[name=item][value=single]").check();
  await page.locator("form button").first().click();
  await page.waitForURL(/\/pay\//);
  expect(await page.locator("html").getAttribute("lang")).toBe(`${language}-CH`);
  const code = (await page.locator("[data-code]").textContent())?.trim() ?? "";
  expect(code).toMatch(/^[0-9]{4}$/);
  expect((await page.locator("[data-number]").first().textContent())?.trim()).toBe("0900 900 904");
  expect(await page.locator("h1[data-status]").getAttribute("data-status")).toBe("open");
  return { page, code, id: page.url().slice(-36).split("?")[0] ?? "" };
}

const call = (digits: string) =>
  placeCall({
    scenario: "caller-keys-code-and-waits",
    number: NUMBERS.pulses.number,
    digits,
    sipPort: exchange.sipPort,
    timeoutMs: 120_000,
  });

async function expectSummary(page: Page, language: Language): Promise<void> {
  await page.waitForURL(/\/back\?/);
  const text = (await page.locator("body").textContent()) ?? "";
  const id = new URL(page.url()).searchParams.get("transaction") ?? "";
  expect(text.replaceAll(/\s/g, "")).toContain(id);
  expect(text).toContain("1.00");
  expect(await page.locator("html").getAttribute("lang")).toMatch(new RegExp(`^${language}`));
}

test.concurrent.each(LANGUAGES)(
  "a shopper buys, calls, sees the progress, confirms and gets the summary (%s)",
  async (language) => {
    const context = await browser.newContext(language === "de" ? { viewport: { width: 390, height: 844 } } : {});
    const { page, code } = await buy(context, language);
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (line) => {
      if (line.type() === "error") problems.push(line.text());
    });
    const calling = call(code);

    const billed: number[] = [];
    const readBilled = async () => Number(await page.locator("[data-billed]").first().getAttribute("value"));
    await page.waitForSelector('h1[data-status="calling"]', { timeout: 30_000 });
    for (let before = await readBilled(); before < 90; before = billed.at(-1) ?? 0) {
      await page.waitForFunction(
        (value) => {
          const shown = document.querySelector("[data-billed]")?.getAttribute("value");
          return document.querySelector('h1[data-status="paid"]') !== null || Number(shown) > value;
        },
        before,
        { timeout: 15_000 },
      );
      billed.push(await readBilled());
      if (billed.length === 3) await page.screenshot({ path: path.join(PICTURES, `journey-calling-${language}.png`) });
    }
    expect(billed.length).toBeGreaterThanOrEqual(5);
    expect(billed).toEqual(billed.toSorted((a, b) => a - b));
    await page.waitForSelector('h1[data-status="paid"]', { timeout: 20_000 });
    expect(await readBilled()).toBe(100);
    expect(await calling).toMatchObject({ exitCode: 0, endedBy: "asterisk" });

    await page.getByRole("button", { name: message(language, "pay.confirm.button") }).click();
    await expectSummary(page, language);
    await page.screenshot({ path: path.join(PICTURES, `journey-summary-${language}.png`) });
    await page.goBack();
    await page.waitForLoadState();
    expect(problems).toEqual([]);
    await context.close();
  },
  JOURNEY_MS,
);

test.concurrent(
  "the same without JavaScript: the page refreshes itself",
  async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const { page, code } = await buy(context, "fr");
    const calling = call(code);
    await page.waitForSelector('h1[data-status="calling"]', { timeout: 40_000 });
    await page.waitForSelector('h1[data-status="paid"]', { timeout: 80_000 });
    await calling;
    expect(await page.locator("[data-billed]").first().getAttribute("value")).toBe("100");
    await page.getByRole("button", { name: message("fr", "pay.confirm.button") }).click();
    await expectSummary(page, "fr");
    await context.close();
  },
  JOURNEY_MS,
);

test.concurrent(
  "the line is lost half-way: the id on the resume page brings the payment back, and only the rest is paid",
  async () => {
    const context = await browser.newContext({ locale: "fr-CH" });
    const { page, code } = await buy(context, "fr");
    const id = /pay\/([0-9A-F-]{36})/.exec(page.url())?.[1] ?? "";
    await placeCall({
      scenario: "caller-hangs-up-half-way",
      number: NUMBERS.pulses.number,
      digits: code,
      hangUpAfterMs: 22_000,
      sipPort: exchange.sipPort,
      timeoutMs: 60_000,
    });
    await page.waitForSelector('h1[data-status="open"][data-exception="underpaid"]', { timeout: 15_000 });
    await page.close();

    const again = await context.newPage();
    await again.goto(`${baseUrl}/resume`);
    await again.locator("input[name=id]").fill(id.replaceAll("-", "").toLowerCase());
    await again.getByRole("button", { name: message("fr", "pay.resume.button") }).click();
    await again.waitForURL(/\/pay\//);
    expect(await again.locator("[data-billed]").first().getAttribute("value")).toBe("50");
    const second = (await again.locator("[data-code]").textContent())?.trim() ?? "";
    await call(second);
    await again.waitForSelector('h1[data-status="paid"]', { timeout: 20_000 });
    expect(await again.locator("[data-billed]").first().getAttribute("value")).toBe("100");
    await context.close();
  },
  JOURNEY_MS,
);
