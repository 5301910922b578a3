import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { findTransaction } from "../../db/transactions.ts";
import { inBrowser } from "../support/chromium.ts";
import { VisitedWeb } from "./visited-web.ts";
import type { WebApp } from "./web-app.ts";

/** The font that pages are drawn in on a Debian (it stands in for Arial), and one whose digits are a quarter wider. */
const FONTS = ["Liberation Sans", "DejaVu Sans"] as const;

let site: VisitedWeb;
let web: WebApp;

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

const visit: VisitedWeb["visit"] = (path, options) => site.visit(path, options);

const billed = (page: Page) => page.locator("[data-billed]").getAttribute("value");

inBrowser("in a browser", () => {
  beforeAll(async () => {
    site = await VisitedWeb.open();
    ({ web } = site);
  });
  afterAll(async () => {
    await site[Symbol.asyncDispose]();
  });

  test("a payment moves on the open page from waiting to paid, and confirming ends at the merchant's", async () => {
    const id = await web.open({ returnUrl: `${site.shop.address}/back?order=7` });
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
    await page.waitForURL(`${site.shop.address}/**`);
    expect(site.shop.visits.at(-1)?.url).toBe(`/back?order=7&transaction=${id}`);
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
    const id = await web.open({ returnUrl: `${site.shop.address}/plain` });
    await using visitor = await visit(`/pay/${id}`, { javaScriptEnabled: false });
    const { page } = visitor;
    const first = await page.locator("[data-code]").textContent();
    await page.getByRole("button", { name: "Obtenir un nouveau code" }).click();
    expect(await page.locator("[data-code]").textContent()).not.toBe(first);
    await (await web.call(id)).pulses(1, 10);
    await page.locator('h1[data-status="paid"]').waitFor({ timeout: 10_000 });
    await page.locator("[data-confirm]").click();
    await page.waitForURL(`${site.shop.address}/**`);
    expect(site.shop.visits.at(-1)?.url).toBe(`/plain?transaction=${id}`);
  });

  test("where the merchant's address redirects to another site, the browser bars the form's way, and the link leads on", async () => {
    const id = await web.inState("paid", { returnUrl: `${site.shop.address}/moved` });
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
    const id = await web.open({ cancelUrl: `${site.shop.address}/cancelled` });
    await using visitor = await visit(`/pay/${id}`);
    await visitor.page.getByRole("link", { name: "Annuler et retourner" }).click();
    await visitor.page.getByRole("button", { name: "Annuler et retourner" }).click();
    await visitor.page.waitForURL(`${site.shop.address}/cancelled?transaction=${id}`);
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

  test.each(FONTS)("the code spans the number at every width in %s, and nothing is cut off", async (font) => {
    const id = await web.open();
    await using visitor = await visit(`/pay/${id}`);
    const { page } = visitor;
    await page.evaluate(`document.documentElement.style.setProperty("--font", ${JSON.stringify(`"${font}"`)})`);
    for (const width of [320, 360, 390, 768, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const { number, code, overflow, size, price } = await page.evaluate<Measured>(MEASURE);
      expect({ width, overflow, price }).toEqual({ width, overflow: 0, price: size });
      expect(Math.abs(number - code)).toBeLessThan(4);
    }
  });
});
