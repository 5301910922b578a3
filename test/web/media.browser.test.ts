import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { inBrowser } from "../support/chromium.ts";
import { OVERFLOW } from "../support/screens.ts";
import { readPdf } from "./read-pdf.ts";
import { VisitedWeb } from "./visited-web.ts";
import { STATES, type WebApp } from "./web-app.ts";

/** A window of 1280 × 1024 at 400 % (WCAG 1.4.10). */
const ZOOMED = { width: 320, height: 256 };
const CONTACT = "aide@disques-du-leman.example";

let site: VisitedWeb;
let web: WebApp;
let pages: readonly string[];

const visit: VisitedWeb["visit"] = (path, options) => site.visit(path, options);

/** Run in a page: the elements, with their made-up ones before and after, of which this is so. */
const elementsWith = (condition: string) => `Array.from(document.querySelectorAll("body *")).flatMap((element) =>
  ["", "::before", "::after"].filter((part) => {
    const style = getComputedStyle(element, part || null);
    return ${condition};
  }).map((part) => element.outerHTML.slice(0, 80) + part))`;

/** Run in a page: rules in force here that set something in motion. */
const MOVING_RULES = `(() => {
  const inForce = (rules) => Array.from(rules).flatMap((rule) => {
    if (rule.media) return matchMedia(rule.media.mediaText).matches ? inForce(rule.cssRules) : [];
    if (rule.constructor.name === "CSSKeyframesRule") return [rule];
    return [...(rule.style ? [rule] : []), ...inForce(rule.cssRules ?? [])];
  });
  const moves = ({ style }) => !style || style.transitionDuration || style.animationName || style.scrollBehavior;
  return Array.from(document.styleSheets).flatMap((sheet) => inForce(sheet.cssRules)).filter(moves).map(String);
})()`;

/** Run in a page: the colours that what can be seen as text is printed in. */
const TEXT_COLORS = `(() => {
  const colors = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walk.nextNode(); text; text = walk.nextNode()) {
    const { parentElement } = text;
    if (!text.data.trim() || !parentElement.checkVisibility() || parentElement.closest(".hidden, noscript")) continue;
    colors.add(getComputedStyle(parentElement).color);
  }
  return [...colors];
})()`;

/** What an element looks like here, and the colour of the page behind it. */
async function lookOf(page: Page, selector: string, part = "") {
  return page
    .locator(selector)
    .first()
    .evaluate((element, pseudo) => {
      const style = getComputedStyle(element, pseudo || null);
      const { color, backgroundColor, borderTopColor, borderRightColor, borderTopWidth } = style;
      const { outlineStyle, outlineColor, outlineWidth } = style;
      const page = getComputedStyle(document.body).backgroundColor;
      const border = { borderTopColor, borderRightColor, borderTopWidth };
      return { color, backgroundColor, ...border, outlineStyle, outlineColor, outlineWidth, page };
    }, part);
}

async function everyPage(): Promise<readonly string[]> {
  const pages = ["/resume", "/access", "/nowhere"];
  for (const state of STATES) pages.push(`/pay/${await web.inState(state)}`);
  const paid = await web.inState("confirmed", { accessDays: 31 });
  const choosing = await web.open({ donation: { minimumRappen: 50, maximumRappen: 500, suggestionsRappen: [100] } });
  return [...pages, `/pay/${paid}`, `/pay/${paid}/receipt`, `/pay/${choosing}`, `/pay/${await web.open()}/cancel`];
}

inBrowser("in a browser", () => {
  beforeAll(async () => {
    site = await VisitedWeb.open();
    ({ web } = site);
    pages = await everyPage();
  });
  afterAll(async () => {
    await site[Symbol.asyncDispose]();
  });

  test("at 400 % nothing stands fixed over the page, nothing is cut off, and each control fits into the window", async () => {
    await using visitor = await visit("/resume", { viewport: ZOOMED });
    const { page } = visitor;
    for (const url of pages) {
      await page.goto(`${site.address}${url}`);
      const fixed = await page.evaluate(elementsWith(`["fixed", "sticky"].includes(style.position)`));
      expect([url, fixed]).toEqual([url, []]);
      expect([url, await page.evaluate(OVERFLOW)]).toEqual([url, 0]);
      for (const control of await page.locator("a:visible, button:visible, input:visible").all())
        expect((await control.boundingBox())?.height ?? 0).toBeLessThan(ZOOMED.height);
    }
  });

  test("who asked for less motion sees none", async () => {
    for (const url of [await web.inState("calling"), await web.open()].map((id) => `/pay/${id}`)) {
      await using visitor = await visit(url);
      const { page } = visitor;
      expect(await page.evaluate(MOVING_RULES)).not.toEqual([]);
      await page.emulateMedia({ reducedMotion: "reduce" });
      expect(await page.evaluate(MOVING_RULES)).toEqual([]);
      const moving = elementsWith(`parseFloat(style.transitionDuration) > 0 || style.animationName !== "none"`);
      expect(await page.evaluate(moving)).toEqual([]);
    }
  });

  test.each(["light", "dark"] as const)(
    "in the shopper's own %s colours, states, bars, buttons and focus stay visible",
    async (colorScheme) => {
      const own = { forcedColors: "active", colorScheme } as const;
      await using calling = await visit(`/pay/${await web.inState("calling")}`, own);
      const bar = await lookOf(calling.page, "progress");
      expect(bar.backgroundColor).toBe(bar.page);
      expect(bar.color).not.toBe(bar.page);
      expect(bar.borderTopColor).not.toBe(bar.page);
      const mark = await lookOf(calling.page, "h1", "::before");
      expect(mark.borderTopColor).not.toBe(mark.page);

      await using paid = await visit(`/pay/${await web.inState("paid")}`, own);
      const disc = await lookOf(paid.page, "h1", "::before");
      const tick = await lookOf(paid.page, "h1", "::after");
      expect(disc.backgroundColor).not.toBe(disc.page);
      expect(tick.borderRightColor).toBe(disc.page);

      await using open = await visit(`/pay/${await web.open()}`, { ...own, viewport: { width: 1280, height: 900 } });
      const qr = await lookOf(open.page, ".qr svg");
      expect(qr.backgroundColor).toBe("rgb(255, 255, 255)");
      for (const button of ["[data-order] .button", "form .button"]) {
        const { borderTopColor, borderTopWidth, page } = await lookOf(open.page, button);
        expect(borderTopColor).not.toBe(page);
        expect(borderTopWidth).toBe("1px");
      }
      await open.page.locator("[data-order] .button").focus();
      await open.page.keyboard.press("Shift+Tab");
      await open.page.keyboard.press("Tab");
      const focused = await lookOf(open.page, "[data-order] .button");
      expect(focused).toMatchObject({ outlineStyle: "solid", outlineWidth: "3px" });
      expect(focused.outlineColor).not.toBe(focused.page);
    },
  );

  test("on paper everything is black on white, in the dark too, and nothing is left to click", async () => {
    await using visitor = await visit("/resume", { colorScheme: "dark" });
    const { page } = visitor;
    await page.emulateMedia({ media: "print" });
    for (const url of pages) {
      await page.goto(`${site.address}${url}`);
      expect([url, await page.evaluate(TEXT_COLORS)]).toEqual([url, ["rgb(0, 0, 0)"]]);
      expect(await page.locator("body").evaluate((body) => getComputedStyle(body).backgroundColor)).toBe(
        "rgb(255, 255, 255)",
      );
      expect(await page.locator(".button:visible, .lang:visible, form:visible, .qr:visible").count()).toBe(0);
    }
  });

  test("a printed pay page holds number, code and id, and where to go on with them, on one sheet", async () => {
    const id = await web.open();
    await using visitor = await visit(`/pay/${id}`);
    const { page } = visitor;
    const code = (await page.locator("[data-code]").textContent()) ?? "none";
    const { text, pages: sheets } = await readPdf(await page.pdf({ format: "A4" }));
    for (const words of ["0900 900 904", "CHF 1.20/min", code, id, CONTACT, "http://localhost/resume"])
      expect(sheets[0]?.text.replace(/\s/g, "")).toContain(words.replace(/\s/g, ""));
    for (const words of ["Obtenir un nouveau code", "Annuler"]) expect(text).not.toContain(words);
  });

  test("a printed receipt of fifty items begins on its first page, and tells where the pass opens", async () => {
    const items = Array.from({ length: 50 }, (_, n) => ({ description: `Titre ${n}.`, quantity: 1, amountRappen: 2 }));
    const id = await web.inState("paid", { items, accessDays: 31 });
    await using visitor = await visit(`/pay/${id}/receipt`);
    const { text, pages: sheets } = await readPdf(await visitor.page.pdf({ format: "A4" }));
    expect(sheets[0]?.text).toContain("Titre 0.");
    expect(sheets.length).toBeLessThanOrEqual(4);
    for (const words of [...items.map(({ description }) => description), CONTACT, "http://localhost/access", id])
      expect(text.replace(/\s/g, "")).toContain(words.replace(/\s/g, ""));
    expect(text).not.toContain("Imprimer");
  });
});
