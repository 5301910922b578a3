/// <reference lib="dom" />
import path from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { launchChromium, PICTURES } from "../support/chromium.ts";
import { eventually } from "../support/eventually.ts";
import { DESKTOP } from "../support/screens.ts";
import { openWire } from "../support/wire.ts";
import { inBooks } from "./books.ts";
import { enterAt, pressPad, tabTo, untilFocused } from "./keyboard.ts";
import { keepConnections, speakIn } from "./own-voice.ts";
import {
  billedOn,
  buy,
  call,
  claimedOn,
  codeOn,
  complaintsOf,
  confirm,
  deliveryOn,
  HEARD_MS_MAX,
  keyCode,
  openPhone,
  openShopping,
  openWindow,
  renewCode,
  STATE_MS_MAX,
  untilBilled,
  untilPhone,
  untilStatus,
} from "./shopping.ts";

const JOURNEY_MS = 200_000;
/** Longer than the page waits before it says that the connection is lost. */
const NOTICE_MS_MAX = 10_000;

// One after the other: several browser telephones at a time don't always get their sound through on a small machine.
// Everything there is, in one browser: shop and pay page in a frame, the telephone beside it, its calls into a real Asterisk.
const resources = new AsyncDisposableStack();
const shopping = resources.use(await openShopping(29_000));
const browser = await launchChromium({ args: ["--use-fake-device-for-media-stream"] });
resources.defer(() => browser.close());

afterAll(async () => {
  await resources.disposeAsync();
});

const idIn = (url: string) => /pay\/([0-9A-F-]{36})/.exec(url)?.[1]?.toLowerCase() ?? "";

test(
  "hung up half-way: the page shows what is paid and a new code, and the next call pays the rest",
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

test(
  "by keyboard alone: ordered, cancelled, ordered again, called, hung up, called again, paid and confirmed; the focus is always seen",
  async () => {
    const context = await browser.newContext({ viewport: DESKTOP });
    const { phone, pane } = await openWindow(context, shopping);
    const callAndKey = async (code: string) => {
      await phone.keyboard.press("Enter");
      await untilFocused(phone, "[data-key]");
      await untilPhone(phone, "inCall");
      await keyCode(phone, code, claimedOn(pane), (key) => pressPad(phone, key));
    };
    await enterAt(phone, ".skip");
    await untilFocused(phone, "[data-dial]");
    await enterAt(phone, "[data-pay]");
    await pane.waitForURL(/\/pay\//);
    await enterAt(phone, 'a[href$="/cancel"]');
    await pane.waitForURL(/\/cancel$/);
    await enterAt(phone, 'form[action$="/cancel"] button');
    await pane.waitForURL(/\/cancelled\?/);
    await enterAt(phone, "main a.button");
    await pane.waitForSelector("[data-pay]");
    await enterAt(phone, "[data-pay]");
    await pane.waitForURL(/\/pay\//);

    await tabTo(phone, "[data-call]");
    await callAndKey(await codeOn(pane));
    await untilBilled(pane, 10);
    await tabTo(phone, "[data-hang-up]");
    await phone.keyboard.press("Space");
    await untilFocused(phone, "[data-call]");
    await pane.waitForSelector('h1[data-exception="underpaid"]');
    await callAndKey(await codeOn(pane));
    await tabTo(phone, "[data-copy]", "Shift+Tab");
    await untilStatus(pane, "paid");
    await untilFocused(phone, "[data-copy]"); // the page has put new content in place of the old meanwhile
    await tabTo(phone, "[data-confirm]", "Shift+Tab");
    await phone.keyboard.press("Enter");
    expect(await deliveryOn(pane)).toBe("now");
    await context.close();
  },
  JOURNEY_MS,
);

test(
  "the network goes away in mid-call, twice: the page says so, the call goes on, and the page comes back with the truth",
  async () => {
    const context = await browser.newContext();
    const phone = await openPhone(context, shopping);
    const page = await context.newPage();
    await page.goto(`${shopping.shop.url}/?lang=en`);
    const code = await buy(page, "single");
    const id = idIn(page.url());
    const { hostname, port } = new URL(page.url());
    await using wire = await openWire({ host: hostname, port: Number(port) });
    await page.goto(page.url().replace(port, String(wire.port)));
    await call(phone, "0900900904");
    await keyCode(phone, code, claimedOn(page));
    await untilBilled(page, 10);
    const lost = page.locator("[data-connection-lost]");

    await wire.cut();
    await lost.waitFor({ timeout: NOTICE_MS_MAX });
    const shown = await billedOn(page);
    await eventually(async () => (await inBooks(shopping.exchange, id)).billed >= shown + 20, STATE_MS_MAX);
    expect(await billedOn(page)).toBe(shown);
    expect(await phone.getAttribute("[data-phone]", "data-phone-state")).toBe("inCall");
    await wire.mend();
    await untilBilled(page, shown + 20);
    await lost.waitFor({ state: "hidden" });

    await wire.cut();
    await lost.waitFor({ timeout: NOTICE_MS_MAX });
    await eventually(async () => (await inBooks(shopping.exchange, id)).status === "paid", STATE_MS_MAX);
    await untilPhone(phone, "ended");
    expect(await page.getAttribute("h1", "data-status")).toBe("calling");
    await wire.mend();
    await untilStatus(page, "paid");
    expect(await billedOn(page)).toBe(100);
    expect(await lost.isVisible()).toBe(false);
    expect(await confirm(page)).toBe("now");
    await context.close();
  },
  JOURNEY_MS,
);

test(
  "a second tab shows the same code and the same progress, and has nothing left to confirm once the first one has confirmed",
  async () => {
    const context = await browser.newContext({ viewport: DESKTOP });
    const { phone, pane } = await openWindow(context, shopping);
    const first = await buy(pane, "single");
    const other = await context.newPage();
    await other.goto(pane.url());
    expect(await codeOn(other)).toBe(first);
    const code = await renewCode(other, first);
    await pane.locator("[data-code]", { hasText: code }).waitFor();
    await call(phone);
    await keyCode(phone, code, claimedOn(pane));
    await untilStatus(other, "calling");
    await untilBilled(other, 20);
    expect(Math.abs((await billedOn(pane)) - (await billedOn(other)))).toBeLessThanOrEqual(10);
    await Promise.all([untilStatus(pane, "paid"), untilStatus(other, "paid")]);
    expect(await confirm(pane)).toBe("now");
    await other.waitForSelector('h1:is([data-status="confirmed"], [data-status="redeemed"])');
    expect(await other.locator("[data-confirm], [data-code]").count()).toBe(0);
    await other.click("main a.button");
    expect(await deliveryOn(other)).toBe("before");
    await context.close();
  },
  JOURNEY_MS,
);

test(
  "in one window: the shopper buys, calls from beside, sees the progress, confirms and gets the summary; the phone stays",
  async () => {
    const context = await browser.newContext({ viewport: DESKTOP, permissions: ["clipboard-write"] });
    await keepConnections(context);
    const { phone, pane } = await openWindow(context, shopping);
    const complaints = complaintsOf(phone);
    await phone.evaluate("window.stays = true");
    await pane.check("[value=archive]");
    await phone.waitForFunction(() => document.querySelector<HTMLInputElement>("[data-dial]")?.value === "0900900907");
    await pane.check("[value=single]");
    await phone.waitForFunction(() => document.querySelector<HTMLInputElement>("[data-dial]")?.value === "0900900904");
    const code = await buy(pane, "single");
    await pane.click("[data-copy]");
    await pane.getByText("Copied").waitFor();
    await pane.evaluate(`parent.postMessage({ number: "0900900905" }, "*")`); // of another origin: it isn't listened to
    await call(phone);
    expect(await phone.inputValue("[data-dial]")).toBe("0900900904");
    await keyCode(phone, code, claimedOn(pane));
    await phone.screenshot({ path: path.join(PICTURES, "side-by-side-calling.png") });
    await untilBilled(pane, 20);
    await context.grantPermissions(["microphone"]);
    await speakIn(phone);
    await untilStatus(pane, "paid");
    expect(await billedOn(pane)).toBe(100);
    await untilPhone(phone, "ended");
    await phone.screenshot({ path: path.join(PICTURES, "side-by-side-paid.png") });
    expect(await confirm(pane)).toBe("now");
    expect(await phone.evaluate("window.stays")).toBe(true);
    await phone.screenshot({ path: path.join(PICTURES, "side-by-side-summary.png") });
    expect(complaints).toEqual([]);
    await context.close();
  },
  JOURNEY_MS,
);

test(
  "a code runs out before it is keyed: the page offers another, the old one opens nothing, the new one pays",
  async () => {
    const context = await browser.newContext({ viewport: DESKTOP });
    const { phone, pane } = await openWindow(context, shopping);
    const old = await buy(pane, "classified");
    const id = idIn(pane.url());
    const soon = { expires_at: new Date(Date.now() + 3_000) };
    await shopping.exchange.db.updateTable("codes").set(soon).where("transaction_id", "=", id).execute();
    await pane.goto(pane.url());
    await pane.locator("[data-code-expired]").waitFor();
    expect(await pane.locator("[data-code]").isVisible()).toBe(false);
    await call(phone);
    await keyCode(phone, old, () => untilPhone(phone, "ended", 2 * HEARD_MS_MAX));
    expect(await inBooks(shopping.exchange, id)).toEqual({ billed: 0, status: "open" });
    const fresh = await renewCode(pane, old);
    await call(phone);
    await keyCode(phone, fresh, claimedOn(pane));
    await untilStatus(pane, "paid");
    await untilPhone(phone, "ended");
    expect(await confirm(pane)).toBe("now");
    await context.close();
  },
  JOURNEY_MS,
);

test.each([
  ["kept whole", true],
  ["loaded anew", false],
])(
  "back after the return, where pages that were left are %s: nothing is ordered again, and no page asks to pay",
  async (_how, keepsPages) => {
    await using own = keepsPages ? await launchChromium({ keepsPages }) : null;
    const context = await (own ?? browser).newContext({ viewport: DESKTOP });
    const phone = await openPhone(context, shopping);
    const page = await context.newPage();
    const sent: string[] = [];
    page.on("request", (request) => request.method() === "POST" && sent.push(request.url()));
    await page.goto(`${shopping.shop.url}/?lang=en`);
    const code = await buy(page, "classified");
    const payUrl = page.url();
    await call(phone, "0900900906");
    await keyCode(phone, code, claimedOn(page));
    await untilStatus(page, "paid");
    expect(await confirm(page)).toBe("now");

    // A page that was kept whole is shown again without being loaded.
    const arrival = { waitUntil: "commit" } as const;
    await page.goBack(arrival);
    await untilStatus(page, "redeemed");
    expect(page.url()).toBe(payUrl);
    expect(await page.locator("[data-confirm], [data-code], [data-order]").count()).toBe(0);
    await page.goForward(arrival);
    await page.locator("section[data-delivered]").waitFor();
    await page.goBack(arrival);
    await untilStatus(page, "redeemed");
    await page.goBack(arrival);
    await page.locator("[data-pay]").waitFor();
    await page.goForward(arrival);
    await untilStatus(page, "redeemed");
    expect(sent).toEqual([`${shopping.shop.url}/buy`, `${payUrl}/confirm`]);
    await context.close();
  },
  JOURNEY_MS,
);
