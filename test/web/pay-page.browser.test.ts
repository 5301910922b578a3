import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { APIResponse, Browser, BrowserContextOptions, Page } from "playwright-core";
import { LANGUAGES } from "../../core/messages.ts";
import { findTransaction } from "../../db/transactions.ts";
import {
  barriersIn,
  DESKTOP,
  inBrowser,
  launchChromium,
  NARROWEST,
  OVERFLOW,
  PHONE,
  PICTURES,
  visitPage,
} from "../support/chromium.ts";
import { openShopSite, type ShopSite } from "./shop-site.ts";
import { STATES, type State, WebApp } from "./web-app.ts";

/** The font that pages are drawn in on a Debian (it stands in for Arial), and one whose digits are a quarter wider. */
const FONTS = ["Liberation Sans", "DejaVu Sans"] as const;

let web: WebApp;
let address: string;
let browser: Browser;
let shop: ShopSite;

/** Run in the page, where `document` is: how wide number and code are printed, and whether anything is cut off. */
const MEASURE = `(() => {
  const ink = (selector) => {
    const range = document.createRange();
    range.selectNodeContents(document.querySelector(selector));
    return range.getBoundingClientRect().width;
  };
  const spacing = Number.parseFloat(getComputedStyle(document.querySelector("[data-code]")).letterSpacing);
  const [number, price] = document.querySelectorAll(".number");
  const page = document.documentElement;
  return {
    number: ink("[data-number]"),
    code: ink("[data-code]") - spacing,
    overflow: page.scrollWidth - page.clientWidth,
    size: getComputedStyle(number).fontSize,
    price: getComputedStyle(price).fontSize,
  };
})()`;
interface Measured {
  readonly number: number;
  readonly code: number;
  readonly overflow: number;
  readonly size: string;
  readonly price: string;
}

function visit(url: string, options: BrowserContextOptions = {}, font?: string) {
  const prepare = (page: Page) =>
    page.route("**/pay.css*", async (route) => route.fulfill(await inFont(await route.fetch(), font ?? "")));
  return visitPage(browser, `${address}${url}`, { ...options, ...(font ? { prepare } : {}) });
}

/** The style sheet as it would be on a machine that has no other font than this one. */
async function inFont(response: APIResponse, font: string) {
  const text = await response.text();
  const body = text.replace(/--font: [^;]+;/, `--font: "${font}";`);
  if (body === text) throw new Error("the style sheet names its fonts elsewhere");
  return { response, body };
}

async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: path.join(PICTURES, `${name}.png`), fullPage: true });
}

const billed = (page: Page) => page.locator("[data-billed]").getAttribute("value");
const status = (page: Page) => page.locator("h1[data-status]").getAttribute("data-status");

inBrowser("in a browser", () => {
  beforeAll(async () => {
    web = await WebApp.start();
    address = await web.app.listen({ port: 0, host: "127.0.0.1" });
    shop = await openShopSite();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await shop[Symbol.asyncDispose]();
    await web[Symbol.asyncDispose]();
  });

  test("a payment moves on the open page from waiting to paid, and confirming ends at the merchant's", async () => {
    const id = await web.open({ returnUrl: `${shop.address}/back?order=7` });
    await using visitor = await visit(`/pay/${id}`);
    const { page } = visitor;
    expect(await page.locator("[data-code]").textContent()).toMatch(/^[0-9]{4}$/);
    expect(await page.locator("[data-number]").textContent()).toBe("0900 900 904");
    const call = await web.call(id);
    await page.locator('h1[data-status="calling"]').waitFor();
    expect(await page.title()).toBe("Paiement en cours – Disques du Léman – Phone2Pay");
    await call.pulses(1, 3);
    await page.locator('[data-billed][value="30"]').waitFor();
    expect(await page.locator("[data-billed]").textContent()).toBe("CHF\u00a00.30");
    expect(await page.locator("[data-progress]").getAttribute("value")).toBe("30");
    await page.locator("[data-remaining]", { hasText: /^0:3[1-6]$/ }).waitFor();
    await call.pulses(4, 8);
    await page.locator('[data-billed][value="80"]').waitFor();
    await call.pulses(9, 10);
    await page.locator('h1[data-status="paid"]').waitFor();
    expect(await billed(page)).toBe("100");
    await page.locator("[data-confirm]").click();
    await page.waitForURL(`${shop.address}/**`);
    expect(shop.visits.at(-1)?.url).toBe(`/back?order=7&transaction=${id}`);
    expect(await findTransaction(web.db, id)).toMatchObject({ status: "confirmed" });
    expect(visitor.complaints).toEqual([]);
  });

  test("a cut call brings the rest to pay and a new code, without a click", async () => {
    const id = await web.open();
    await using visitor = await visit(`/pay/${id}`);
    const { page } = visitor;
    const first = await page.locator("[data-code]").textContent();
    const call = await web.call(id);
    await page.locator('h1[data-status="calling"]').waitFor();
    await call.pulses(1, 4);
    await call.hangUp(17);
    await page.locator('h1[data-exception="underpaid"]').waitFor();
    expect(await billed(page)).toBe("40");
    expect(await page.locator("[data-remaining]").textContent()).toBe("CHF\u00a00.60");
    expect(await page.locator("[data-code]").textContent()).not.toBe(first);
    expect(visitor.complaints).toEqual([]);
  });

  test("without script the page reloads itself, and every step works", async () => {
    const id = await web.open({ returnUrl: `${shop.address}/plain` });
    await using visitor = await visit(`/pay/${id}`, { javaScriptEnabled: false });
    const { page } = visitor;
    const first = await page.locator("[data-code]").textContent();
    await page.getByRole("button", { name: "Obtenir un nouveau code" }).click();
    expect(await page.locator("[data-code]").textContent()).not.toBe(first);
    await (await web.call(id)).pulses(1, 10);
    await page.locator('h1[data-status="paid"]').waitFor({ timeout: 10_000 });
    await page.locator("[data-confirm]").click();
    await page.waitForURL(`${shop.address}/**`);
    expect(shop.visits.at(-1)?.url).toBe(`/plain?transaction=${id}`);
  });

  test("where the merchant's address redirects to another site, the browser bars the form's way, and the link leads on", async () => {
    const id = await web.inState("paid", { returnUrl: `${shop.address}/moved` });
    await using visitor = await visit(`/pay/${id}`);
    const { page } = visitor;
    // Not by click() and waitFor(), which wait for the arrival that the browser bars.
    await page.evaluate(`setTimeout(() => document.querySelector("[data-confirm]").click())`);
    const shown = () => page.evaluate(`document.querySelector("h1").dataset.status`);
    for (let tries = 0; (await shown()) !== "confirmed" && tries < 50; tries++) await setTimeout(100);
    expect(await shown()).toBe("confirmed");
    await page.evaluate(`document.querySelector("main a.button").click()`);
    await page.waitForURL("http://localhost:*/arrived");
  });

  test("cancelling asks, and ends at the merchant's", async () => {
    const id = await web.open({ cancelUrl: `${shop.address}/cancelled` });
    await using visitor = await visit(`/pay/${id}`);
    await visitor.page.getByRole("link", { name: "Annuler et retourner" }).click();
    await visitor.page.getByRole("button", { name: "Annuler et retourner" }).click();
    await visitor.page.waitForURL(`${shop.address}/cancelled?transaction=${id}`);
  });

  test("another open page of the same payment shows the new code, too", async () => {
    const id = await web.open();
    await using one = await visit(`/pay/${id}`);
    await using two = await visit(`/pay/${id}`);
    const old = await two.page.locator("[data-code]").textContent();
    await one.page.getByRole("button", { name: "Obtenir un nouveau code" }).click();
    await one.page.locator("[data-code]").waitFor();
    const fresh = (await one.page.locator("[data-code]").textContent()) ?? "";
    expect(fresh).not.toBe(old);
    await two.page.locator("[data-code]", { hasText: fresh }).waitFor();
  });

  test("a code that runs out makes way for its renewal", async () => {
    const id = await web.open();
    await web.get(`/pay/${id}`);
    const soon = { expires_at: new Date(Date.now() + 3_500) };
    await web.db.updateTable("codes").set(soon).where("transaction_id", "=", id).execute();
    await using visitor = await visit(`/pay/${id}`);
    await visitor.page.getByText("Ce code a expiré.").waitFor();
    expect(await visitor.page.locator("[data-order]").isVisible()).toBe(false);
    await visitor.page.getByRole("button", { name: "Obtenir un nouveau code" }).click();
    expect(await visitor.page.locator("[data-code]").textContent()).toMatch(/^[0-9]{4}$/);
  });

  test("the focus stays on its control when the page changes under it, and goes to the content where that is gone", async () => {
    const id = await web.open();
    await using visitor = await visit(`/pay/${id}`);
    const { page } = visitor;
    const focused = (selector: string) => page.locator(`${selector}:focus-visible`).waitFor();
    const tabTo = async (selector: string) => {
      for (let stop = 0; stop < 30; stop++) {
        await page.keyboard.press("Tab");
        if (await page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)) return;
      }
      throw new Error(`no Tab leads to ${selector}`);
    };
    await tabTo("form[action$=code] button");
    const [, call] = [await focused("form[action$=code] button"), await web.call(id)];
    await page.locator('h1[data-status="calling"]').waitFor();
    await focused("main");
    await tabTo("[data-copy]");
    await call.pulses(1, 4);
    await call.hangUp(17);
    await page.locator('h1[data-exception="underpaid"]').waitFor();
    await focused("[data-copy]");
    await page.keyboard.press("Tab");
    await focused("footer a");
  });

  test("a code that runs out under the focus hands it on to its renewal", async () => {
    const id = await web.open();
    await web.get(`/pay/${id}`);
    const soon = { expires_at: new Date(Date.now() + 3_500) };
    await web.db.updateTable("codes").set(soon).where("transaction_id", "=", id).execute();
    await using visitor = await visit(`/pay/${id}`);
    await visitor.page.focus("[data-order] a");
    await visitor.page.getByText("Ce code a expiré.").waitFor();
    await visitor.page.locator("form[action$=code] button:focus").waitFor();
  });

  const measures = FONTS.flatMap((font) => [320, 360, 390, 768, 1280].map((width) => [width, font] as const));
  test.each(measures)("the code spans the number at %d px in %s, and nothing is cut off", async (width, font) => {
    const id = await web.open();
    await using visitor = await visit(`/pay/${id}`, { viewport: { width, height: 800 } }, font);
    const measured = (await visitor.page.evaluate(MEASURE)) as Measured;
    expect(measured.overflow).toBe(0);
    expect(measured.price).toBe(measured.size);
    expect(Math.abs(measured.number - measured.code)).toBeLessThan(4);
  });

  const inFonts = FONTS.flatMap((font) => STATES.map((state) => [state, font] as const));
  test.each(inFonts)("nothing is cut off on a narrow screen of a payment that is %s in %s", async (state, font) => {
    const id = await web.inState(state);
    for (const language of LANGUAGES) {
      await using visitor = await visit(`/pay/${id}?lang=${language}`, { viewport: NARROWEST }, font);
      expect([language, await visitor.page.evaluate(OVERFLOW)]).toEqual([language, 0]);
    }
  });

  const looks = STATES.flatMap((state) => (["light", "dark"] as const).map((scheme) => [state, scheme] as const));
  test.each(looks)("a payment that is %s is accessible in the %s", async (state: State, colorScheme) => {
    const id = await web.inState(state, { description: "Album « Nuit claire », 11 titres (FLAC)" });
    for (const [device, viewport, language] of [
      ["phone", PHONE, "fr"],
      ["desktop", DESKTOP, "de"],
    ] as const) {
      await using visitor = await visit(`/pay/${id}?lang=${language}`, { viewport, colorScheme });
      const { page } = visitor;
      await picture(page, `pay-${state}-${device}-${colorScheme}-${language}`);
      expect(await barriersIn(page)).toEqual([]);
      expect(await status(page)).toBe(state === "interrupted" ? "open" : state);
      expect(visitor.complaints).toEqual([]);
    }
  });

  test.each(["light", "dark"] as const)("the plain pages are accessible in the %s", async (colorScheme) => {
    const [device, viewport] = colorScheme === "light" ? (["phone", PHONE] as const) : (["desktop", DESKTOP] as const);
    const paid = await web.inState("confirmed");
    const cut = await web.inState("interrupted");
    const pages = { receipt: `/pay/${paid}/receipt`, cancel: `/pay/${cut}/cancel`, resume: "/resume", error: "/pay/x" };
    for (const [name, url] of Object.entries(pages)) {
      await using visitor = await visit(url, { viewport, colorScheme });
      const { page } = visitor;
      if (name === "resume") {
        await page.getByRole("textbox").fill("85341CE4-2744-423A-8320-F9531E57D66");
        await page.getByRole("button").click();
      }
      await picture(page, `${name}-${device}-${colorScheme}`);
      expect(await barriersIn(page)).toEqual([]);
    }
  });
});
