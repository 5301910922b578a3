import { afterAll, expect, test } from "@jest/globals";
import { DESKTOP, launchChromium } from "../support/chromium.ts";
import {
  billedOn,
  buy,
  call,
  claimedOn,
  codeOn,
  confirm,
  keyCode,
  openShopping,
  openWindow,
  STATE_MS_MAX,
  untilBilled,
  untilStatus,
} from "./shopping.ts";

const JOURNEY_MS = 150_000;

// Everything there is, in one browser: shop and pay page in a frame, the telephone beside it, its calls into a real Asterisk.
const resources = new AsyncDisposableStack();
const shopping = resources.use(await openShopping(29_000));
const browser = await launchChromium();
resources.defer(() => browser.close());

afterAll(async () => {
  await resources.disposeAsync();
});

test(
  "in one window, hung up half-way: the page in the frame shows what is paid and a new code, and the next call pays the rest",
  async () => {
    const context = await browser.newContext({ viewport: DESKTOP });
    const { phone, pane } = await openWindow(context, shopping);
    const first = await buy(pane, "single");
    await call(phone);
    await keyCode(phone, first, claimedOn(pane));
    await untilBilled(pane, 30);
    await phone.click("[data-hang-up]");
    await pane.waitForSelector('h1[data-status="open"][data-exception="underpaid"]', { timeout: STATE_MS_MAX });
    const paid = await billedOn(pane);
    expect(paid).toBeGreaterThanOrEqual(30);
    expect(paid).toBeLessThan(100);
    const second = await codeOn(pane);
    expect(second).not.toBe(first);
    await call(phone);
    await keyCode(phone, second, claimedOn(pane));
    await untilStatus(pane, "paid");
    expect(await billedOn(pane)).toBe(100);
    expect(await confirm(pane)).toBe("now");
    await context.close();
  },
  JOURNEY_MS,
);
