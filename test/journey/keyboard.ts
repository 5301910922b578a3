/// <reference lib="dom" />
import type { Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";

/** More than any page of ours has, in the frame and beside it. */
const STOPS_MAX = 120;
const KEYPAD = "123456789*0#";

interface Focused {
  readonly control: string;
  readonly matches: boolean;
  readonly isOutlined: boolean;
  readonly isInView: boolean;
}

/** Goes by Tab from control to control until one matches. At each stop the focus has to be seen. */
export async function tabTo(page: Page, selector: string, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
  for (let stop = 0; stop < STOPS_MAX; stop++) {
    await page.keyboard.press(key);
    const focused = await focusedIn(page, selector);
    if (!focused) continue; // after the last control it is the browser's, and in a page just loaded nobody's
    // A page that is just being loaded has its styles, and so its outlines, in a moment.
    if (!(focused.isOutlined && focused.isInView)) await untilFocused(page, ":focus-visible");
    if (focused.matches) return;
  }
  throw new Error(`no Tab leads to ${selector}`);
}

/** Tab, then Enter. */
export async function enterAt(page: Page, selector: string): Promise<void> {
  await tabTo(page, selector);
  await page.keyboard.press("Enter");
}

/** Presses a key of the telephone's keypad, on which the focus is already. */
export async function pressPad(page: Page, key: string): Promise<void> {
  const from = await page.evaluate(() => (document.activeElement as HTMLElement | null)?.dataset.key ?? "");
  const way = KEYPAD.indexOf(key) - KEYPAD.indexOf(from);
  if (way !== 0) await tabTo(page, `[data-key="${key}"]`, way > 0 ? "Tab" : "Shift+Tab");
  await page.keyboard.press("Space");
}

/** Waits until the focus is there, and is seen. */
export async function untilFocused(page: Page, selector: string): Promise<void> {
  await eventually(async () => {
    const now = await focusedIn(page, selector);
    return now?.matches && now.isOutlined && now.isInView;
  });
}

/** What has the focus, in the frame where that is; null for nothing. */
export async function focusedIn(page: Page, selector: string): Promise<Focused | null> {
  for (let frame = page.mainFrame(); ; ) {
    const active = (await frame.evaluateHandle(() => document.activeElement)).asElement();
    const inner = await active?.contentFrame();
    if (!inner) return frame.evaluate(look, selector);
    frame = inner;
  }
}

function look(selector: string): Focused | null {
  const control = document.activeElement;
  if (!control || control === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(control);
  const { top, bottom, left, right } = control.getBoundingClientRect();
  return {
    control: control.outerHTML.slice(0, 200),
    matches: control.matches(selector),
    isOutlined: outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2,
    isInView: bottom > top && right > left && bottom > 0 && top < innerHeight && right > 0 && left < innerWidth,
  };
}
