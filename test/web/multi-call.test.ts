import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { LANGUAGES, message } from "../../core/messages.ts";
import { formatMoney } from "../../core/money.ts";
import type { Segment } from "../../core/tariff.ts";
import { changeTariff } from "../../db/tariff-changes.ts";
import { type Seeded, seedMerchant, seedTariff, THREE_FRANCS_A_CALL } from "../support/seed.ts";
import { WebApp } from "./web-app.ts";

/** CHF 1.20 a minute by the second, and no call dearer than 40 rappen. */
const CAPPED: readonly Segment[] = [
  { kind: "time", rappenPerMinute: 120, incrementSeconds: 1 },
  { kind: "cap", callRappen: 40 },
];

let web: WebApp;
let perCall: Seeded;
let capped: Seeded;
beforeAll(async () => {
  web = await WebApp.start();
  perCall = await seedMerchant(web.db, { number: "0900900906", segments: THREE_FRANCS_A_CALL });
  capped = await seedMerchant(web.db, { number: "0900900909", segments: CAPPED });
});
afterAll(async () => {
  await web[Symbol.asyncDispose]();
});

/** The page as it reads: an apostrophe is one. */
const pageOf = async (id: string, query = "") => (await web.get(`/pay/${id}${query}`)).body.replaceAll("&#39;", "'");
const codeOf = (html: string) => /data-code [^>]*>([0-9]{4})</.exec(html)?.[1];
const linesOf = (html: string) =>
  [...html.matchAll(/<li class="state (\w+)"[^>]*><span>([^<]*)</g)].map(([, mark, text]) => [
    mark,
    text?.replaceAll("\u00a0", " "),
  ]);
const headingOf = (html: string) =>
  /<h1 [^>]*>(.*?)<\/h1>/s
    .exec(html)?.[1]
    ?.replaceAll(/<[^>]*>/g, "")
    .trim();

test("an amount that one call can't bring says so before the first call, with every call, its price and the total of all", async () => {
  const id = await web.open({ amountRappen: 500 }, perCall);
  const amount = formatMoney(300);
  for (const language of LANGUAGES) {
    const html = await pageOf(id, `?lang=${language}`);
    expect(html).toContain(message(language, "pay.multicall.explain", { m: 2 }));
    expect(html).toContain(message(language, "pay.multicall.line", { n: 1, m: 2, amount, duration: "6\u00a0s" }));
    expect(html).toContain(message(language, "pay.multicall.line", { n: 2, m: 2, amount, duration: "6\u00a0s" }));
    expect(html).toContain(message(language, "pay.multicall.onBill"));
    expect(html).toContain(message(language, "pay.start.button", { total: formatMoney(600) }));
    expect(html).toContain(`<strong>${formatMoney(600)}</strong>`);
    expect(codeOf(html)).toMatch(/^[0-9]{4}$/);
  }
});

test("a payment of one call says nothing of several, and one more call for a cut one is no plan", async () => {
  for (const state of ["open", "calling", "interrupted", "paid"] as const) {
    const html = (await web.get(`/pay/${await web.inState(state)}`)).body;
    expect(linesOf(html)).toEqual([]);
    expect(html).not.toContain("data-next-call");
  }
});

test("after a call that brought its part the page goes on to the next, with a new code and what is left", async () => {
  const id = await web.open({ amountRappen: 800 }, perCall);
  const first = codeOf(await pageOf(id));
  const call = await web.call(id, perCall);
  await call.pulses(1, 1);
  const during = await pageOf(id);
  expect(linesOf(during).map(([mark]) => mark)).toEqual(["now", "later", "later"]);
  expect(during).toMatch(/max="900" value="300"[^>]*data-progress/);
  expect(during).toContain("Cet appel se termine automatiquement.");
  expect(during).not.toContain(message("fr", "pay.call.endsAlone"));
  await call.hangUp(3);

  const html = await pageOf(id, "?lang=en");
  expect(headingOf(html)).toBe("A second call is needed: 2 of 3");
  expect(html).toMatch(/<h1 [^>]*data-status="open" data-exception="underpaid" data-next-call>/);
  expect(linesOf(html)).toEqual([
    ["done", "Call 1: 3 s, CHF 3.00"],
    ["next", "Call 2 of 3: CHF 3.00, about 6 s"],
    ["later", "Call 3 of 3: CHF 3.00, about 6 s"],
  ]);
  expect(codeOf(html)).toMatch(/^[0-9]{4}$/);
  expect(codeOf(html)).not.toBe(first);
  expect(html).toContain(message("en", "pay.multicall.button", { number: "0900 900 906" }));
  expect(html).toContain(`${message("en", "pay.start.button", { total: formatMoney(600) })} `);
  expect(html).toContain('http-equiv="refresh"');
});

test("the calls go on until all is paid, and the receipt lists each", async () => {
  const id = await web.open({ amountRappen: 500 }, perCall);
  for (const nth of [1, 2]) {
    const call = await web.call(id, perCall);
    if (nth === 2) expect(await pageOf(id)).toContain(message("fr", "pay.call.endsAlone"));
    await call.pulses(1, 1);
    await call.hangUp(4);
  }
  const html = await pageOf(id);
  expect(html).toContain('data-status="paid" data-exception="none"');
  expect(html).toMatch(/data-billed value="600"/);
  expect(linesOf(html)).toEqual([]);
  const receipt = (await web.get(`/pay/${id}/receipt?lang=en`)).body;
  expect(receipt).toMatch(
    /<dt>Call 1<\/dt><dd>4\u00a0s, CHF\u00a03\.00<.*<dt>Call 2<\/dt><dd>4\u00a0s, CHF\u00a03\.00</s,
  );
});

test("the time left is that of the call under way, not of all", async () => {
  const id = await web.open({ amountRappen: 44 }, capped);
  const call = await web.call(id, capped);
  await call.pulses(1, 6);
  // The rest of 4 rappen would be too short a call: the first one stops at 30, whose pulse falls at 14 s.
  const html = await pageOf(id, "?lang=en");
  expect(linesOf(html)).toEqual([
    ["now", "Call 1 of 2: CHF 0.30, about 15 s"],
    ["later", "Call 2 of 2: CHF 0.14, about 7 s"],
  ]);
  expect(html).toMatch(/data-remaining="10"/);
  expect(html).toMatch(/max="44" value="12"/);
});

test("a call that is cut before it has brought its part is an interruption, and what is left is planned anew", async () => {
  const id = await web.open({ amountRappen: 80 }, capped);
  const call = await web.call(id, capped);
  await call.pulses(1, 10);
  await call.hangUp(10);
  const html = await pageOf(id, "?lang=en");
  expect(headingOf(html)).toBe(message("en", "pay.status.interrupted"));
  expect(html).toContain(message("en", "pay.multicall.explain", { m: 3 }));
  expect(linesOf(html)).toEqual([
    ["done", "Call 1: 10 s, CHF 0.20"],
    ["next", "Call 2 of 3: CHF 0.40, about 20 s"],
    ["later", "Call 3 of 3: CHF 0.20, about 10 s"],
  ]);
});

test("with a new price the page shows it, the new total and a code that pays it, never an old code", async () => {
  const seeded = await seedMerchant(web.db, { number: "0900900912", segments: THREE_FRANCS_A_CALL });
  const id = await web.open({ amountRappen: 500 }, seeded);
  const old = codeOf(await pageOf(id));
  const tariffId = await seedTariff(web.db, [{ kind: "fixed", priceRappen: 500 }]);
  await changeTariff(web.db, { number: seeded.number, tariffId, from: null });
  const html = await pageOf(id);
  expect(codeOf(html)).toMatch(/^[0-9]{4}$/);
  expect(codeOf(html)).not.toBe(old);
  expect(html).toContain(formatMoney(500));
  expect(html).not.toContain(formatMoney(300));
  expect(html).not.toContain(formatMoney(600));
  expect(linesOf(html)).toEqual([]);
});
