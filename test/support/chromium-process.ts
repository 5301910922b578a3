import { type Browser, chromium } from "playwright-core";

export const CHROMIUM = "/usr/bin/chromium";
const QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** A browser without a window, for tests and for pictures of the pages. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", ...QUIET] });
}
