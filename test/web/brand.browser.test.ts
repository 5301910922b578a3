import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { changeBrand } from "../../db/brands.ts";
import { barriersIn, inBrowser, PICTURES } from "../support/chromium.ts";
import { png } from "../support/pictures.ts";
import { DESKTOP, NARROWEST, OVERFLOW, PHONE } from "../support/screens.ts";
import { VisitedWeb } from "./visited-web.ts";
import type { WebApp } from "./web-app.ts";

/** Black, pure blue, the shades that yellow and pale grey have to become, orange that takes black text, and stop's red. */
const COLOURS = ["#000000", "#0000ff", "#ac8a00", "#8d8d8d", "#e8590c", "#d6001c"] as const;
const SCHEMES = ["light", "dark"] as const;
const LONG = "Coopérative des disquaires indépendants du Léman et de la Broye, ";

let site: VisitedWeb;
let web: WebApp;

/** In the shape that takes most room. */
async function appear(colour: string, logo = png({ width: 640, height: 80, colour: "d6001c" })): Promise<void> {
  const providerLine = `${LONG}CHE-123.456.789 TVA, Registre du commerce du canton de Vaud`;
  const changed = await changeBrand(web.db, web.seeded.merchantId, { colour, logo, providerLine });
  if ("faults" in changed) throw new Error(JSON.stringify(changed.faults));
}

async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: path.join(PICTURES, `brand-${name}.png`), fullPage: true });
}

async function look(name: string, url: string, colour: string): Promise<void> {
  await using visitor = await site.visit(url, { viewport: PHONE });
  for (const colorScheme of SCHEMES) {
    await visitor.page.emulateMedia({ colorScheme });
    await picture(visitor.page, `${colour.slice(1)}-${name}-${colorScheme}`);
    expect([name, colorScheme, await barriersIn(visitor.page)]).toEqual([name, colorScheme, []]);
  }
  expect(visitor.complaints).toEqual([]);
}

/** Run in the page: what the button is really drawn in, and whether the logo has loaded. */
const DRAWN = `(() => {
  const { backgroundColor } = getComputedStyle(document.querySelector("a.button, button.button:not(.quiet)"));
  return { backgroundColor, logo: document.querySelector(".logo").naturalWidth };
})()`;

inBrowser("in a browser", () => {
  beforeAll(async () => {
    site = await VisitedWeb.open();
    ({ web } = site);
  });
  afterAll(async () => {
    await site[Symbol.asyncDispose]();
  });

  test.each(COLOURS)("a page in %s has no barrier, in both schemes, and keeps to its policy", async (colour) => {
    await appear(colour);
    await look("open", `/pay/${await web.open()}`, colour);
  });

  test.each(["calling", "interrupted", "paid"] as const)("neither has that of a payment that is %s", async (state) => {
    await appear("#d6001c");
    await look(state, `/pay/${await web.inState(state)}`, "#d6001c");
  });

  test("neither has a receipt", async () => {
    await appear("#d6001c");
    await look("receipt", `/pay/${await web.inState("confirmed")}/receipt`, "#d6001c");
  });

  test("the merchant's colour and logo are really drawn, and another merchant's colour isn't", async () => {
    await appear("#0000ff");
    const url = `/pay/${await web.open()}`;
    await using light = await site.visit(url, { colorScheme: "light" });
    expect(await light.page.evaluate(DRAWN)).toEqual({ backgroundColor: "rgb(0, 0, 255)", logo: 640 });
    await using dark = await site.visit(url, { colorScheme: "dark" });
    expect(await dark.page.evaluate(DRAWN)).toEqual({ backgroundColor: "rgb(74, 74, 255)", logo: 640 });
  });

  test("nothing is cut off on a narrow screen, whatever the logo's shape", async () => {
    for (const [width, height] of [
      [1_200, 150],
      [300, 600],
      [16, 16],
    ] as const) {
      await appear("#1d5b9a", png({ width, height }));
      for (const url of [`/pay/${await web.open()}`, `/pay/${await web.inState("confirmed")}/receipt`]) {
        await using visitor = await site.visit(url, { viewport: NARROWEST });
        expect([width, await visitor.page.evaluate(OVERFLOW)]).toEqual([width, 0]);
      }
    }
  });

  test("a receipt prints with the logo, and black on white as every page of ours", async () => {
    await appear("#0000ff");
    const url = `/pay/${await web.inState("confirmed")}/receipt`;
    await using visitor = await site.visit(url, { viewport: DESKTOP, colorScheme: "dark" });
    const { page } = visitor;
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    expect(await page.locator(".logo").isVisible()).toBe(true);
    expect(await page.locator("[data-provider-line]").isVisible()).toBe(true);
    const accent = `getComputedStyle(document.documentElement).getPropertyValue("--accent")`;
    expect(await page.evaluate(accent)).toBe("#000");
    await picture(page, "receipt-print");
  });
});
