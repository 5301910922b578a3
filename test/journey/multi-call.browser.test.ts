/// <reference lib="dom" />
import path from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import type { BrowserContext, Page } from "playwright-core";
import { composeHttp } from "../../bin/serve-http.ts";
import { LANGUAGES, type Language, message } from "../../core/messages.ts";
import { billedAfter } from "../../core/tariff.ts";
import { watchTransactions } from "../../db/notices.ts";
import { barriersIn, launchChromium, PHONE, PICTURES } from "../support/chromium.ts";
import { eventually } from "../support/eventually.ts";
import { WEBHOOKS } from "../support/webhooks.ts";
import { closedLegs, NUMBERS, openExchange } from "../telephony/exchange.ts";
import { placeCall } from "../telephony/sip-call.ts";

const FIRST_PORT = 24_000;
const HTTP_PORT = FIRST_PORT + 10;
const JOURNEY_MS = 150_000;

const resources = new AsyncDisposableStack();
const exchange = resources.use(await openExchange({ firstPort: FIRST_PORT }));
const baseUrl = `http://127.0.0.1:${HTTP_PORT}`;
const http = await composeHttp({
  config: {
    http: { host: "127.0.0.1", port: HTTP_PORT, baseUrl, trustProxy: false },
    provider: { name: "Exemple Télécom SA", address: "avenue de l’Exemple 1, 1009 Pully" },
    webhooks: WEBHOOKS,
  },
  db: exchange.db,
  watch: resources.use(await watchTransactions(exchange.databaseUrl)),
});
await http.listen({ host: "127.0.0.1", port: HTTP_PORT });
resources.defer(() => http.close());
const browser = await launchChromium();
resources.defer(() => browser.close());

afterAll(async () => {
  await resources.disposeAsync();
});

interface Merchants {
  readonly id: string;
  readonly total: number;
  readonly calls: number;
  readonly billed: number;
  readonly status: string;
}

async function ask(way: string, body?: unknown): Promise<Merchants> {
  const answer = await fetch(`${baseUrl}/v1/transactions${way}`, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${exchange.liveKey}`, "content-type": "application/json" },
    body: body ? JSON.stringify(body) : null,
  });
  return (await answer.json()) as Merchants;
}

/** CHF 5.00 on the number that costs CHF 3.00 a call: two calls, CHF 6.00 in all. */
async function order(language: Language): Promise<string> {
  const { id, ...rest } = await ask("", {
    amount: 500,
    currency: "CHF",
    description: "Album « Nuit claire »",
    returnUrl: "https://shop.example/back",
    number: NUMBERS.perCall.number,
    language,
  });
  expect(rest).toMatchObject({ total: 600, calls: 2, status: "open" });
  return id;
}

const call = (digits: string) =>
  placeCall({
    scenario: "caller-keys-code-and-waits",
    number: NUMBERS.perCall.number,
    digits,
    sipPort: exchange.sipPort,
    timeoutMs: 60_000,
  });

const codeOn = async (page: Page) => (await page.locator("[data-code]").textContent())?.trim() ?? "";
const billedOn = (page: Page) => page.locator("[data-billed]").first().getAttribute("value");

/** Both calls, as a shopper makes them who looks at the page alone and clicks nothing on it. */
async function payInTwoCalls(page: Page, look: (state: string) => Promise<void>): Promise<void> {
  const first = await codeOn(page);
  await look("waiting");
  const [outcome] = await Promise.all([
    call(first),
    page.waitForSelector('h1[data-status="calling"]', { timeout: 40_000 }).then(() => look("calling")),
  ]);
  expect(outcome).toMatchObject({ exitCode: 0, endedBy: "asterisk" });
  await page.waitForSelector("h1[data-next-call]", { timeout: 20_000 });
  await page.locator("[data-code]").waitFor();
  expect(await billedOn(page)).toBe("300");
  const second = await codeOn(page);
  expect(second).not.toBe(first);
  await look("next");
  expect(await call(second)).toMatchObject({ exitCode: 0, endedBy: "asterisk" });
  await page.waitForSelector('h1[data-status="paid"]', { timeout: 20_000 });
  expect(await billedOn(page)).toBe("600");
  await look("paid");
}

/** Two legs, each billed what Asterisk's own record of its length owes, and one payment. */
async function expectTwoCallsPaidOnce(id: string): Promise<void> {
  const legs = await closedLegs(exchange.db, id, 2);
  expect(legs.map(({ billed, end_reason }) => [billed, end_reason])).toEqual([
    [300, "next_call_needed"],
    [300, "paid"],
  ]);
  for (const { uniqueid, billed } of legs) {
    const cdr = await eventually(async () => (await exchange.cdrs()).find((line) => line.uniqueid === uniqueid));
    expect(billed).toBe(billedAfter(NUMBERS.perCall.segments, cdr.talkMs));
  }
  const pulses = await exchange.db
    .selectFrom("pulses")
    .select("amount")
    .where(
      "call_leg_id",
      "in",
      legs.map((leg) => leg.id),
    )
    .execute();
  expect(pulses.map(({ amount }) => amount)).toEqual([300, 300]);
  expect(await ask(`/${id}`)).toMatchObject({ status: "paid", total: 600, billed: 600, calls: 2 });
  const { data } = (await ask(`/${id}/events`)) as unknown as { readonly data: readonly { readonly type: string }[] };
  expect(data.map(({ type }) => type.replace("transaction.", ""))).toEqual([
    "created",
    "call_started",
    "call_ended",
    "call_started",
    "paid",
  ]);
}

async function open(
  context: BrowserContext,
  language: Language,
): Promise<{ readonly id: string; readonly page: Page }> {
  const id = await order(language);
  const page = await context.newPage();
  await page.goto(`${baseUrl}/pay/${id}`);
  return { id, page };
}

test.concurrent.each(LANGUAGES)(
  "an amount that one call can't bring is paid by two, and the page leads from one to the next by itself (%s)",
  async (language) => {
    const onPhone = language === "fr" || language === "it";
    const context = await browser.newContext(onPhone ? { viewport: PHONE } : {});
    const { id, page } = await open(context, language);
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (line) => line.type() === "error" && problems.push(line.text()));
    await payInTwoCalls(page, async (state) => {
      await page.screenshot({ path: path.join(PICTURES, `multi-call-${state}-${language}.png`), fullPage: true });
      if (state === "calling") return; // it moves on while axe reads
      expect([state, await barriersIn(page)]).toEqual([state, []]);
      if (state === "next")
        expect(await page.title()).toBe(
          `${message(language, "pay.multicall.neededSecond", { n: 2, m: 2 }).slice(0, -1)} – Disques du Léman – Phone2Pay`,
        );
    });
    expect(problems).toEqual([]);
    await expectTwoCallsPaidOnce(id);
    await context.close();
  },
  JOURNEY_MS,
);

test.concurrent(
  "the same without JavaScript: the page refreshes itself and shows the next code",
  async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const { id, page } = await open(context, "fr");
    await payInTwoCalls(page, async () => {});
    await expectTwoCallsPaidOnce(id);
    await context.close();
  },
  JOURNEY_MS,
);
