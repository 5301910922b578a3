import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { barriersIn, inBrowser, launchChromium, PHONE } from "../support/chromium.ts";
import { eventually } from "../support/eventually.ts";
import { ShopUnderTest } from "./demo-shop.ts";

/** The far end of a simulated line: says what the test tells it to, and keeps what the telephone does. */
function fakeLine() {
  const done: string[] = [];
  let events: ServerResponse | null = null;
  const server = createServer((request, response) => {
    response.setHeader("access-control-allow-origin", "*");
    if (request.method === "GET") {
      events = response;
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      return;
    }
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      done.push(`${request.url} ${body}`.trim());
      if (request.url === "/calls") response.writeHead(201).end('{"id":"c1"}');
      else response.writeHead(204).end();
      if (request.url?.endsWith("/hang-up")) say({ state: "ended" });
    });
  });
  function say(news: Readonly<Record<string, string>>): void {
    events?.write(`data: ${JSON.stringify(news)}\n\n`);
  }
  return {
    server,
    done,
    say,
    listening: async () => {
      while (!events) await new Promise((resolve) => setTimeout(resolve, 10));
    },
  };
}

const line = fakeLine();
let shop: ShopUnderTest;
let browser: Browser;
let page: Page;

const state = (wanted: string) => page.waitForSelector(`[data-phone-state="${wanted}"]`, { timeout: 10_000 });

inBrowser("the telephone in a browser", () => {
  beforeAll(async () => {
    await new Promise<void>((resolve) => line.server.listen(0, "127.0.0.1", resolve));
    const simulatedLineUrl = `http://127.0.0.1:${(line.server.address() as AddressInfo).port}`;
    shop = await ShopUnderTest.start({ asterisk: "simulated", softphone: null, simulatedLineUrl });
    browser = await launchChromium();
    page = await (await browser.newContext({ locale: "en" })).newPage();
  });
  afterAll(async () => {
    await browser.close();
    await shop[Symbol.asyncDispose]();
    line.server.closeAllConnections();
    await new Promise((resolve) => line.server.close(resolve));
  });

  test("dials, keys digits before and after the answer, and shows what it hears", async () => {
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    await page.goto(`${shop.shop.softphoneUrl}?number=0900900908`);
    await state("ready");
    expect(await page.textContent("[data-price]")).toBe("CHF\u00a01.20/min");
    await page.click("[data-call]");
    await line.listening();
    line.say({ state: "beforeAnswer", prompt: "Please key in your code." });
    await state("beforeAnswer");
    expect(await page.textContent("[data-prompt]")).toBe("Please key in your code.");
    await page.click('[data-key="4"]');
    await page.keyboard.press("8");
    line.say({ state: "inCall", prompt: "" });
    await state("inCall");
    await page.click('[data-key="#"]');
    expect(await page.textContent("[data-digits]")).toBe("48#");
    expect(await page.textContent("[data-state]")).toMatch(/^In call: 0:0\d$/);
    expect(await page.textContent("[data-announce]")).toBe("In call");
    await page.click("[data-hang-up]");
    await state("ended");
    expect(line.done).toEqual([
      "/calls number=0900900908",
      "/calls/c1/keys key=4",
      "/calls/c1/keys key=8",
      "/calls/c1/keys key=%23",
      "/calls/c1/hang-up",
    ]);
    expect(faults).toEqual([]);
  });

  test("keys dial while no call is up, and the chosen item brings its number and its amount", async () => {
    await page.goto(shop.shop.url);
    await state("ready");
    await page.check("[value=classified]");
    expect(await page.inputValue("[data-dial]")).toBe("0900900906");
    expect(await page.textContent("[data-pay]")).toBe("Pay by phone: CHF\u00a03.00");
    await page.fill("[data-dial]", "");
    await page.click('[data-key="0"]');
    await page.click('[data-key="9"]');
    expect(await page.inputValue("[data-dial]")).toBe("09");
    expect(await page.getAttribute("[data-open-phone]", "href")).toContain("number=0900900906");
  });

  test("beside the shop in one window it has the number of the chosen good ready, and the shop has no telephone of its own", async () => {
    await page.goto(shop.shop.url);
    await page.click("[data-side-by-side]");
    await state("ready");
    const frame = page.frameLocator("[data-shop]");
    await frame.locator("[value=classified]").check();
    await eventually(async () => (await page.inputValue("[data-dial]")) === "0900900906");
    expect(await frame.locator("[data-phone], [data-side-by-side], .bar").count()).toBe(0);
    await frame.locator("[value=single]").check();
    await eventually(async () => (await page.inputValue("[data-dial]")) === "0900900904");
  });

  test("where there is no room for shop and telephone beside each other, one is shown at a time, by a choice", async () => {
    await page.setViewportSize(PHONE);
    await page.goto(shop.shop.windowUrl);
    await page.waitForSelector('[data-phone-state="ready"]', { state: "attached" });
    expect(await page.isVisible("[data-call]")).toBe(false);
    await page.check("[name=pane][value=phone]");
    expect([await page.isVisible("[data-call]"), await page.isVisible("[data-shop]")]).toEqual([true, false]);
    await page.click("[data-call]");
    await page.check("[name=pane][value=shop]");
    await page.frameLocator("[data-shop]").locator("[data-pay]").waitFor();
    expect(await barriersIn(page)).toEqual([]);
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  test("without JavaScript the window shows the shop, and the telephone says what it needs", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false, locale: "en" });
    const plain = await context.newPage();
    await plain.goto(shop.shop.windowUrl);
    expect(await plain.frameLocator("[data-shop]").locator("[data-pay]").textContent()).toBe("Pay by phone");
    expect(await plain.locator("noscript p").isVisible()).toBe(true);
    expect(await plain.isVisible("[data-call]")).toBe(false);
    await context.close();
  });

  test("has no barrier that axe finds, and nothing is cut off on a narrow screen", async () => {
    for (const address of ["/", "/phone", "/side-by-side"]) {
      await page.goto(`${shop.shop.url}${address}`);
      await state("ready");
      expect(await barriersIn(page)).toEqual([]);
      await page.setViewportSize({ width: 320, height: 800 });
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(320);
      await page.setViewportSize({ width: 1280, height: 800 });
    }
  });
});
