import { afterAll, beforeAll, expect, test } from "@jest/globals";
import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { LANGUAGES, type Language, LOCALES } from "../../core/messages.ts";
import { inBrowser, launchChromium } from "../support/chromium.ts";
import { DESKTOP, NARROWEST, PHONE } from "../support/screens.ts";
import { foreignTexts } from "./foreign-texts.ts";
import { type Scene, SHOPPER_PAGES } from "./shopper-pages.ts";
import { Stage } from "./stage.ts";

/** The font that pages are drawn in on a Debian (it stands in for Arial), and one whose digits are a quarter wider. */
const FONTS = ["Liberation Sans", "DejaVu Sans"] as const;

/** Run in the page, where axe is: the barriers that it finds, each with the first element it stands at. */
const barriers = (rules: readonly string[] | null) => `axe
  .run(document, { resultTypes: ["violations"], preload: false, runOnly: ${JSON.stringify(rules)} ?? undefined })
  .then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes[0]?.html]))`;
/** Of the others the answer is the same in every colour. */
const OF_COLOURS = ["color-contrast", "link-in-text-block"];

/** Run in the page: all its words, heard ones too. */
const WORDS = `[
  document.title,
  document.body.textContent,
  ...Array.from(document.querySelectorAll("[aria-label]"), (element) => element.ariaLabel),
  ...Array.from(document.querySelectorAll("[data-copied]"), (element) => element.dataset.copied),
].join("\\n")`;

/** Run in the page: what in which of the fonts is wider than its place. Languages hang out by their padding, so that they align. */
const OVERFLOWS = `${JSON.stringify(FONTS)}.flatMap((font) => {
  const page = document.documentElement;
  page.style.setProperty("--font", JSON.stringify(font));
  const wider = Array.from(document.querySelectorAll("html, body *:not(.hidden, .scroll, .lang, input, svg, svg *)"))
    .filter((part) => part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display !== "inline")
    .map((part) => [font, part.outerHTML.slice(0, 80)]);
  page.style.removeProperty("--font");
  return wider;
})`;

interface Findings {
  readonly lang: string;
  readonly phone: unknown;
  readonly desktop: unknown;
  readonly foreign: readonly string[];
  readonly overflows: unknown;
  readonly complaints: readonly string[];
}
const nothingFound = (language: Language): Findings => ({
  lang: LOCALES[language],
  phone: [],
  desktop: [],
  foreign: [],
  overflows: [],
  complaints: [],
});

let stage: Stage;
let browser: Browser;
let context: BrowserContext;
let page: Page;
const complaints: string[] = [];

/** On a phone by day and a desktop by night: what differs between them are the layout and the colours. */
async function examine(scene: Scene, language: Language): Promise<Findings & { readonly title: string }> {
  complaints.length = 0;
  await page.setViewportSize(PHONE);
  await page.emulateMedia({ colorScheme: "light" });
  const address = new URL(scene.address, stage.origin);
  address.searchParams.set("lang", language);
  await page.goto(address.href);
  await scene.act?.(page);
  await page.evaluate(axe.source); // by hand, because looking for frames takes several times as long as all else
  const phone = await page.evaluate(barriers(null));
  const lang = await page.evaluate<string>("document.documentElement.lang");
  const foreign = foreignTexts(await page.evaluate<string>(WORDS), language);
  await page.setViewportSize(NARROWEST);
  const overflows = await page.evaluate(OVERFLOWS);
  await page.setViewportSize(DESKTOP);
  await page.emulateMedia({ colorScheme: "dark" });
  const desktop = await page.evaluate(barriers(language === "fr" ? null : OF_COLOURS));
  // An answer that refuses is a failed request to the console; anything else it says is a fault.
  const said = complaints.filter((line) => !line.startsWith("Failed to load resource"));
  return { lang, phone, desktop, foreign, overflows, complaints: said, title: await page.title() };
}

inBrowser("in a browser", () => {
  beforeAll(async () => {
    stage = await Stage.open();
    browser = await launchChromium();
    context = await browser.newContext({ locale: "fr-CH", reducedMotion: "reduce" });
    page = await context.newPage();
    page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
  });
  afterAll(async () => {
    await browser.close();
    await stage[Symbol.asyncDispose]();
  });

  const pages = SHOPPER_PAGES.flatMap((group) => group.pages).map(({ name, open }) => [name, open] as const);
  test.each(pages)(
    "%s has no barrier by day or night, no word of another language, and nothing cut off, in four languages",
    async (_name, open) => {
      const scene = await open(stage);
      const titles = new Set<string>();
      for (const language of LANGUAGES) {
        const { title, ...found } = await examine(scene, language);
        expect([language, found]).toEqual([language, nothingFound(language)]);
        titles.add(title);
      }
      expect(titles.size).toBe(LANGUAGES.length);
    },
  );
});
