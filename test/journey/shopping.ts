/// <reference lib="dom" />
import { expect } from "@jest/globals";
import type { BrowserContext, Frame, Page } from "playwright-core";
import { composeHttp } from "../../bin/serve-http.ts";
import { watchTransactions } from "../../db/notices.ts";
import { type DemoShop, startDemoShop } from "../../demo/shop.ts";
import { WEBHOOKS } from "../support/webhooks.ts";
import { type Exchange, openExchange } from "../telephony/exchange.ts";

const ACCOUNTS = 12;
const READY_MS_MAX = 30_000;
const CALLS_MAX = 3;
/** What a code takes from its last key to the pay page. */
export const HEARD_MS_MAX = 8_000;
export const STATE_MS_MAX = 60_000;

/** The shop, the pay pages and a real Asterisk that browsers call by WebRTC. */
export interface Shopping extends AsyncDisposable {
  readonly exchange: Exchange;
  readonly shop: DemoShop;
  /** The softphone of nobody else. */
  readonly takeAccount: () => string;
}

export async function openShopping(firstPort: number): Promise<Shopping> {
  const resources = new AsyncDisposableStack();
  const accounts = Array.from({ length: ACCOUNTS }, (_, index) => ({
    user: `softphone${index + 1}`,
    password: `a-password-of-softphone-${index + 1}`,
  }));
  const softphonePasswords = accounts.map(({ password }) => password);
  const exchange = resources.use(await openExchange({ firstPort, asterisk: { softphonePasswords } }));
  const [httpPort, shopPort] = [firstPort + 10, firstPort + 11];
  const baseUrl = `http://127.0.0.1:${httpPort}`;
  const http = await composeHttp({
    config: {
      http: { host: "127.0.0.1", port: httpPort, baseUrl, trustProxy: false },
      frameAncestors: [`http://127.0.0.1:${shopPort}`],
      provider: { name: "Exemple Télécom SA", address: "avenue de l’Exemple 1, 1009 Pully" },
      webhooks: WEBHOOKS,
    },
    db: exchange.db,
    watch: resources.use(await watchTransactions(exchange.databaseUrl)),
  });
  await http.listen({ host: "127.0.0.1", port: httpPort });
  resources.defer(() => http.close());
  const shop = await startDemoShop({
    port: shopPort,
    host: "127.0.0.1",
    phone2pay: { baseUrl, apiKey: exchange.liveKey },
    webhookSecret: null,
    softphone: {
      webSocketUrl: `ws://127.0.0.1:${firstPort + 1}/ws`,
      accounts,
      sipAddress: `127.0.0.1:${firstPort}`,
    },
    asterisk: "real",
  });
  resources.defer(() => shop.close());
  const free = accounts.map(({ user }) => user);
  const takeAccount = () => {
    const account = free.shift();
    if (!account) throw new Error("all softphones are taken");
    return account;
  };
  return { exchange, shop, takeAccount, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** A telephone on a page of its own, ready to call. */
export async function openPhone(context: BrowserContext, { shop, takeAccount }: Shopping): Promise<Page> {
  return openAt(context, `${shop.softphoneUrl}?lang=en&account=${takeAccount()}`);
}

/** Shop and telephone in one window: the shop is in the frame. */
export async function openWindow(
  context: BrowserContext,
  { shop, takeAccount }: Shopping,
): Promise<{ readonly phone: Page; readonly pane: Frame }> {
  const phone = await openAt(context, `${shop.windowUrl}?lang=en&account=${takeAccount()}`);
  const frame = await (await phone.waitForSelector("[data-shop]")).contentFrame();
  if (!frame) throw new Error("the shop has no frame");
  await frame.waitForSelector("[data-pay]");
  return { phone, pane: frame };
}

async function openAt(context: BrowserContext, address: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(address);
  await page.waitForSelector('[data-phone-state="ready"]', { timeout: READY_MS_MAX });
  return page;
}

/** What a page complains about until its end: a breach of its security policy, too. */
export function complaintsOf(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
  return complaints;
}

/** Chooses a good and goes on to the pay page; answers the code that it shows. */
export async function buy(pane: Page | Frame, item: string): Promise<string> {
  await pane.check(`[name=item][value=${item}]`);
  await pane.click("[data-pay]");
  await pane.waitForURL(/\/pay\//);
  return codeOn(pane);
}

export async function codeOn(pane: Page | Frame): Promise<string> {
  const code = ((await pane.textContent("[data-code]")) ?? "").trim();
  expect(code).toMatch(/^\d{4}$/);
  return code;
}

/** Asks for a new code, and waits until the page shows one that isn't the old one. */
export async function renewCode(pane: Page | Frame, old: string): Promise<string> {
  await pane.click("form[action$=code] button");
  await pane.locator("[data-code]", { hasText: new RegExp(`^\\s*(?!${old})\\d{4}`) }).waitFor();
  return codeOn(pane);
}

export async function billedOn(pane: Page | Frame): Promise<number> {
  return Number(await pane.locator("[data-billed]").first().getAttribute("value"));
}

/** Waits until the page shows that at least so much is billed. */
export async function untilBilled(pane: Page | Frame, rappen: number): Promise<void> {
  const enough = (least: number) =>
    Number(document.querySelector("[data-billed]")?.getAttribute("value") ?? 0) >= least;
  await pane.waitForFunction(enough, rappen, { timeout: STATE_MS_MAX });
}

export async function untilStatus(pane: Page | Frame, status: string): Promise<void> {
  await pane.waitForSelector(`h1[data-status="${status}"]`, { timeout: STATE_MS_MAX });
}

export async function untilPhone(phone: Page, state: string, timeout = STATE_MS_MAX): Promise<void> {
  await phone.waitForSelector(`[data-phone-state="${state}"]`, { timeout });
}

/** Dials what stands there, and waits until the call is answered. */
export async function call(phone: Page, number?: string): Promise<void> {
  if (number) await phone.fill("[data-dial]", number);
  await phone.click("[data-call]");
  await untilPhone(phone, "inCall");
}

/**
 * Keys the code as people do: once more, after a star, if nothing comes of it, and in a new call if nothing comes of that
 * either. On a busy machine a key that is pressed at the very moment of the answer can fall before the question, and the
 * sound of a browser's call may never get through.
 */
export async function keyCode(
  phone: Page,
  code: string,
  heard: () => Promise<unknown>,
  pressFirst?: (key: string) => Promise<unknown>,
): Promise<void> {
  const click = (key: string) => phone.click(`[data-key="${key}"]`);
  for (let calls = 1; calls <= CALLS_MAX; calls++) {
    const press = calls === 1 ? (pressFirst ?? click) : click;
    for (const keys of [code, `*${code}`, `*${code}`]) {
      for (const key of keys) await press(key);
      const isHeard = await heard().then(
        () => true,
        () => false,
      );
      if (isHeard) return;
    }
    await phone.click("[data-hang-up]", { timeout: 1_000 }).catch(() => {}); // it may be over by itself
    await untilPhone(phone, "ended");
    if (calls < CALLS_MAX) await call(phone);
  }
  throw new Error(`the code was not heard in ${CALLS_MAX} calls`);
}

/** The page shows that its code was keyed. */
export const claimedOn = (pane: Page | Frame) => () =>
  pane.waitForSelector('h1:is([data-status="calling"], [data-status="paid"])', { timeout: HEARD_MS_MAX });

/** Confirms, and answers what the shop's summary says of the delivery: `now` or `before`. */
export async function confirm(pane: Page | Frame): Promise<string | null> {
  await pane.click("[data-confirm]");
  return deliveryOn(pane);
}

export async function deliveryOn(pane: Page | Frame): Promise<string | null> {
  await pane.waitForURL(/\/back\?/);
  return pane.getAttribute("section[data-delivered]", "data-delivered");
}
