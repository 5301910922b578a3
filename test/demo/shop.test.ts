import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { DEMO_NUMBERS as SEEDED_NUMBERS } from "../../bin/demo-seed.ts";
import { priceText } from "../../core/smart-number.ts";
import { chooseDonation } from "../../db/donations.ts";
import { findTransaction } from "../../db/transactions.ts";
import { DEMO_NUMBERS, GOODS } from "../../demo/goods.ts";
import { formatMoney, LANGUAGES, translator } from "../../demo/texts.ts";
import { ShopUnderTest } from "./demo-shop.ts";

const UNKNOWN = "00000000-0000-4000-8000-000000000000";
let under: ShopUnderTest;

beforeAll(async () => {
  under = await ShopUnderTest.start();
});
afterAll(async () => {
  await under[Symbol.asyncDispose]();
});

test("each good can be ordered, and the shopper is sent to the pay page of its transaction", async () => {
  for (const good of GOODS) {
    const { location, id } = await under.buy({ item: good.id, lang: "de" });
    expect(location).toMatch(/^http:\/\/pay\.test\/pay\/[0-9A-F-]{36}$/);
    const row = await under.db
      .selectFrom("transactions")
      .selectAll()
      .where("id", "=", id.toLowerCase())
      .executeTakeFirstOrThrow();
    expect(row).toMatchObject({ amount: good.amountRappen, number: good.number, language: "de", test: false });
    expect(row.return_url).toBe(`${under.shop.url}/back?lang=de`);
  }
});

test("the price is the shop's: what a form adds to the order changes nothing", async () => {
  const { id } = await under.buy({ item: "album", amount: "1", amountRappen: "1", number: "0900900906" });
  const row = await under.db
    .selectFrom("transactions")
    .select(["amount", "number"])
    .where("id", "=", id.toLowerCase())
    .executeTakeFirstOrThrow();
  expect(row).toEqual({ amount: 990, number: "0900900904" });
});

test("an order of something that isn't sold leads back to the goods", async () => {
  expect((await under.buy({ item: "moon" })).location).toBe("/");
});

test("a paid order is delivered once, and a reload shows the same summary without delivering again", async () => {
  const { id } = await under.buy({ item: "single" });
  await under.pay(id);
  const first = await under.visit(`/back?transaction=${id}&lang=en`);
  expect(first.status).toBe(200);
  expect(first.html).toContain('data-delivered="now"');
  expect(first.html).toContain("Thank you for your order.");
  expect(first.html).toContain(id);
  const again = await under.visit(`/back?transaction=${id}&lang=en`);
  expect(again.html).toContain('data-delivered="before"');
  expect(again.html).not.toContain('data-delivered="now"');
  expect(again.html).toContain("it is delivered only once");
  expect(again.html).toContain("Thank you for your order.");
});

test("of many who come back at once with one transaction, one is delivered to", async () => {
  const { id } = await under.buy({ item: "single" });
  await under.pay(id);
  const pages = await Promise.all(Array.from({ length: 8 }, () => under.visit(`/back?transaction=${id}`)));
  expect(pages.filter(({ html }) => html.includes('data-delivered="now"'))).toHaveLength(1);
  expect(pages.filter(({ html }) => html.includes('data-delivered="before"'))).toHaveLength(7);
});

test("coming back without having paid delivers nothing and offers to go on paying", async () => {
  const { id, location } = await under.buy({ item: "single" });
  const page = await under.visit(`/back?transaction=${id}&lang=fr`);
  expect(page.html).toContain('data-delivered="none"');
  expect(page.html).toContain("Cette commande n&#39;est pas payée.");
  expect(page.html).toContain(`href="${location}"`);
});

test("a transaction that isn't ours, or isn't one at all, is unknown", async () => {
  for (const address of [`/back?transaction=${UNKNOWN}`, "/back?transaction=../x", "/back", "/nowhere"]) {
    expect([address, (await under.visit(address)).status]).toEqual([address, 404]);
  }
});

test("a cancelled order says so", async () => {
  expect((await under.visit("/cancelled?lang=it")).html).toContain("Ordine annullato");
});

test("a pass lets its buyer in again and again, and is renewed before it ends, once", async () => {
  const { id } = await under.buy({ item: "monthly" });
  await under.pay(id);
  for (const _visit of [1, 2, 3]) {
    const { html } = await under.visit(`/back?transaction=${id}&lang=en`);
    expect(html).toContain('data-access="open"');
    expect(html).toContain("Your access is open.");
    expect(html).not.toContain("it is delivered only once");
    expect(html).toMatch(/data-access-code>[0-9]{4} [0-9]{4} [0-9]{4}</);
  }
  const renewal = await under.renew(id);
  expect(renewal.location).toMatch(/^http:\/\/pay\.test\/pay\//);
  expect((await under.renew(id)).location).toBe(`/back?transaction=${id}&lang=fr`);
  await under.pay(renewal.id);
  const page = await under.visit(`/back?transaction=${id}&lang=en`);
  expect(page.html).toContain(renewal.id);
  expect(page.html).not.toContain("data-renew>");
});

test("a renewal of nothing leads back to the goods", async () => {
  expect((await under.renew(UNKNOWN)).location).toBe("/");
});

test("a donation's amount is its giver's, and the shop thanks for what was given", async () => {
  const { id } = await under.buy({ item: "donation" });
  expect(await findTransaction(under.db, id)).toMatchObject({
    donation: { minimumRappen: 200, maximumRappen: 5_000, suggestionsRappen: [500, 1_000, 2_000] },
  });
  await chooseDonation(under.db, { transactionId: id, amountRappen: 1_500 });
  await under.pay(id);
  const { html } = await under.visit(`/back?transaction=${id}&lang=en`);
  expect(html).toContain("Thank you for your donation.");
  expect(html).toContain("<dd data-amount>CHF\u00a015.00</dd>");
});

test("a basket is paid by its lines", async () => {
  const { id } = await under.buy({ item: "basket" });
  const transaction = await findTransaction(under.db, id);
  expect(transaction?.items).toHaveLength(3);
  expect(transaction?.items.reduce((sum, item) => sum + item.amountRappen, 0)).toBe(transaction?.amountRappen);
});

test("the shop sells one of each kind", () => {
  const kinds = new Set(GOODS.map(({ kind }) => kind.replace("demo.", "")));
  const wanted = ["download", "siteAccess", "article", "subscription", "classifiedAd", "donation", "basket"];
  expect([...kinds].sort()).toEqual(wanted.sort());
});

test("every page is complete in every language, without inline code or style", async () => {
  const { id } = await under.buy({ item: "archive" });
  await under.pay(id);
  for (const language of LANGUAGES) {
    for (const address of ["/", "/phone", "/cancelled", `/back?transaction=${id}`, "/merchant", `/merchant/${id}`]) {
      const page = await under.visit(`${address}${address.includes("?") ? "&" : "?"}lang=${language}`);
      expect(page.html).toContain(`<html lang="${language}-CH">`);
      expect(page.html).not.toMatch(/undefined|\[object|<style| style=| on[a-z]+="/);
      expect(page.html).not.toMatch(/<script(?![^>]* src=)/);
      const policy = page.headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("connect-src 'self' ws://127.0.0.1:9;");
      expect(policy).not.toContain("unsafe");
    }
  }
});

test("the price stands beside each number, and is the one that is billed", async () => {
  const numbers = SEEDED_NUMBERS.map(({ number }) => number);
  expect(DEMO_NUMBERS.map(({ number }) => number)).toEqual(numbers);
  for (const language of LANGUAGES) {
    for (const { number, price } of DEMO_NUMBERS) {
      const seeded = SEEDED_NUMBERS.find((known) => known.number === number);
      const shown = translator(language)(price.key, { price: formatMoney(price.rappen) });
      expect(shown).toBe(priceText(seeded?.segments ?? [], language));
    }
  }
});

test("the telephone page says how to call with any SIP client", async () => {
  const { html } = await under.visit("/phone?number=0900900906&lang=en");
  for (const { number } of DEMO_NUMBERS) expect(html).toContain(`sip:${number}@127.0.0.1:5060`);
  expect(html).toContain("not-a-secret-1");
  expect(html).toContain('value="0900900906"');
  expect((await under.visit('/phone?number="><script>')).html).not.toContain('"><script>');
});

test("what the browser telephone imports is there", async () => {
  for (const file of [
    "/public/softphone.js",
    "/public/look.css",
    "/public/demo.css",
    "/vendor/sip.js/api/user-agent.js",
  ]) {
    expect([file, (await under.visit(file)).status]).toEqual([file, 200]);
  }
});

test("when the payment service is away, the shopper reads so and nothing is sold", async () => {
  const heard: string[] = [];
  await using lonely = await ShopUnderTest.start({
    phone2pay: { baseUrl: "http://127.0.0.1:9", apiKey: "p2p_test_x" },
    onError: (line) => heard.push(line),
  });
  const response = await fetch(`${lonely.shop.url}/buy`, {
    method: "POST",
    body: new URLSearchParams({ item: "single", lang: "en" }),
  });
  expect(response.status).toBe(502);
  expect(await response.text()).toContain("no_answer");
  expect(heard).toEqual(["demo shop: POST /buy: no_answer"]);
});
