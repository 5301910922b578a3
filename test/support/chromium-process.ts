import { type Browser, chromium } from "playwright-core";

export const CHROMIUM = "/usr/bin/chromium";
const QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export interface BrowserOptions {
  readonly args?: readonly string[];
  /** Pages that are left are kept whole for the way back, as in a browser of one's own; Playwright turns that off. */
  readonly keepsPages?: boolean;
}

/** A browser without a window, for tests and for pictures of the pages. */
export function startChromium({ args = [], keepsPages = false }: BrowserOptions = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", ...QUIET, ...args],
    ignoreDefaultArgs: keepsPages ? ["--disable-back-forward-cache"] : [],
  });
}
