import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { describe } from "@jest/globals";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { type BrowserOptions, CHROMIUM, startChromium } from "./chromium-process.ts";
import { PHONE } from "./screens.ts";

export { DESKTOP, PHONE } from "./screens.ts";

/** Where tests put what they have seen. */
export const PICTURES = path.resolve(import.meta.dirname, "../../.cache/screenshots");

export const hasChromium = existsSync(CHROMIUM);
if (!hasChromium && process.env.CI) throw new Error(`${CHROMIUM} is missing`);

/** For what needs a part that a laptop may lack: then it is reported as skipped, its hooks included. */
export function describeIf(present: boolean): typeof describe | typeof describe.skip {
  return present ? describe : describe.skip;
}

/** What needs a browser. In CI there has to be one. */
export const inBrowser = describeIf(hasChromium);

export async function launchChromium(options: BrowserOptions = {}): Promise<Browser> {
  await mkdir(PICTURES, { recursive: true });
  return startChromium(options);
}

export interface VisitOptions extends BrowserContextOptions {
  /** What has to be done before the page is loaded. */
  readonly prepare?: (page: Page) => Promise<unknown>;
}

/** A page of its own context, by default on a phone, with what it complains about: a breach of its security policy, too. */
export async function visitPage(browser: Browser, url: string, { prepare, ...options }: VisitOptions = {}) {
  const context = await browser.newContext({ viewport: PHONE, locale: "fr-CH", ...options });
  const page = await context.newPage();
  await prepare?.(page);
  const complaints: string[] = [];
  page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url);
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** The barriers that axe finds, each with the first element it stands at. */
export async function barriersIn(
  page: Page,
): Promise<readonly (readonly [rule: string, element: string | undefined])[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, nodes }) => [id, nodes[0]?.html] as const);
}
