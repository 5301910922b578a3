import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { webhookSignature } from "../../core/webhook-secret.ts";
import { findTransaction } from "../../db/transactions.ts";
import { formatMoney } from "../../demo/texts.ts";
import { eventually } from "../support/eventually.ts";
import { ShopUnderTest } from "./demo-shop.ts";

let under: ShopUnderTest;

beforeAll(async () => {
  under = await ShopUnderTest.start();
});
afterAll(async () => {
  await under[Symbol.asyncDispose]();
});

test("what the shop asked and was answered is shown, and its key nowhere", async () => {
  const { id } = await under.buy({ item: "single" });
  await under.visit(`/back?transaction=${id}`);
  const { html } = await under.visit(`/merchant/${id}?lang=en`);
  expect(attributes(html, "exchange")).toEqual(["201", "200"]);
  expect(html).toContain("POST /v1/transactions<");
  expect(html).toContain(`GET /v1/transactions/${id}<`);
  expect(html).toContain(`&quot;returnUrl&quot;: &quot;${under.shop.url}/back?lang=fr&quot;`);
  expect(html).toContain(`&quot;id&quot;: &quot;${id}&quot;`);
  const list = await under.visit("/merchant?lang=en");
  expect(attributes(list.html, "sale")).toContain(id);
  for (const page of [html, list.html]) {
    expect(page).not.toContain(under.secrets.liveKey);
    expect(page).not.toMatch(/bearer/i);
  }
});

test("a paid sale shows requests, webhooks and a ledger that agree to the rappen", async () => {
  await using _sender = under.sendWebhooks();
  const { id } = await under.buy({ item: "monthly" });
  await under.pay(id);
  const order = await under.visit(`/back?transaction=${id}&lang=en`);
  expect(order.html).toContain("data-side");
  const html = await pageTelling(id, "transaction.redeemed");
  expect(attributes(html, "exchange")).toEqual(["201", "200", "200", "200"]);
  expect(html).toContain(`POST /v1/transactions/${id}/redeem<`);
  expect(webhooksOf(html)).toEqual([
    "transaction.created",
    "transaction.call_started",
    "transaction.paid",
    "transaction.redeemed",
  ]);
  const row = await findTransaction(under.db, id);
  expect(row).toMatchObject({ amountRappen: 420, totalRappen: 426, billedRappen: 426 });
  expect(amounts(html, "amount")).toEqual([formatMoney(420)]);
  expect(amounts(html, "total")).toEqual([formatMoney(426)]);
  expect(amounts(html, "overshoot")).toEqual([formatMoney(6)]);
  expect(amounts(html, "call-billed")).toEqual([formatMoney(426)]);
  expect(amounts(html, "billed")).toEqual([formatMoney(426)]);
  expect(html).toContain("data-redeemed-at");
  // The answers as they came, and the ledger beside them.
  expect(html).toContain("&quot;billed&quot;: 426");
});

test("the page of a sale refreshes itself until the sale is over, or until its reader stops it", async () => {
  const { id } = await under.buy({ item: "single" });
  expect((await under.visit(`/merchant/${id}`)).html).toContain('<meta http-equiv="refresh" content="4">');
  expect((await under.visit(`/merchant/${id}?still=1`)).html).not.toContain("http-equiv");
  const past = new Date(Date.now() - 60_000);
  await under.db.updateTable("transactions").set({ expires_at: past }).where("id", "=", id.toLowerCase()).execute();
  expect((await under.visit(`/merchant/${id}`)).html).not.toContain("http-equiv");
});

test("a forged webhook is shown as refused, harmless as text, and changes nothing", async () => {
  const { id } = await under.buy({ item: "single" });
  const forged = await postWebhook({ secret: `whsec_${"A".repeat(32)}`, id: "<b>evt_1</b>", transaction: id });
  expect(forged).toEqual({ status: 400, body: '{"code":"webhook_forged"}' });
  const { html } = await under.visit("/merchant?lang=en");
  expect(html).toContain('data-stray="webhook_forged"');
  expect(html).toContain("refused: webhook_forged");
  expect(html).toContain("&lt;b&gt;evt_1&lt;/b&gt;");
  const sale = await under.visit(`/merchant/${id}?lang=en`);
  expect(attributes(sale.html, "webhook")).toEqual([]);
  expect(sale.html).toContain('data-status="open"');
  expect((await under.visit(`/back?transaction=${id}`)).html).toContain('data-delivered="none"');
});

test("a webhook without headers, or out of an old recording, is refused, too", async () => {
  const bare = await fetch(`${under.shop.url}/webhooks`, { method: "POST", body: "{}" });
  expect([bare.status, await bare.text()]).toEqual([400, '{"code":"webhook_malformed"}']);
  const old = Math.floor(Date.now() / 1_000) - 3_600;
  const stale = await postWebhook({ secret: under.webhookSecret, id: "evt_1", transaction: randomUUID(), at: old });
  expect(stale.body).toBe('{"code":"webhook_stale"}');
  const large = await fetch(`${under.shop.url}/webhooks`, { method: "POST", body: "x".repeat(70_000) });
  expect(large.status).toBe(413);
});

test("a webhook that comes twice is shown once, with how often it came", async () => {
  const { id } = await under.buy({ item: "single" });
  const webhook = { secret: under.webhookSecret, id: "evt_77", transaction: id };
  for (const _time of [1, 2]) expect((await postWebhook(webhook)).status).toBe(204);
  const { html } = await under.visit(`/merchant/${id}?lang=en`);
  expect(attributes(html, "webhook")).toEqual(["evt_77"]);
  expect(html).toContain("<b data-times>2 times</b>");
});

test("a sale that isn't ours, or isn't one at all, is unknown", async () => {
  for (const id of [randomUUID(), "..%2Fx", "x".repeat(60)])
    expect([id, (await under.visit(`/merchant/${id}`)).status]).toEqual([id, 404]);
});

/** Signs by Standard Webhooks and posts. */
async function postWebhook(webhook: {
  readonly secret: string;
  readonly id: string;
  readonly transaction: string;
  readonly at?: number;
}) {
  const { secret, id, transaction, at: timestampSeconds = Math.floor(Date.now() / 1_000) } = webhook;
  const data = { id: transaction, status: "paid" };
  const body = JSON.stringify({ type: "transaction.paid", timestamp: new Date(), sequence: 77, data });
  const response = await fetch(`${under.shop.url}/webhooks`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(timestampSeconds),
      "webhook-signature": webhookSignature([secret], { id, timestampSeconds, body }),
    },
    body,
  });
  return { status: response.status, body: await response.text() };
}

/** The sale's page once the shop has been told. */
function pageTelling(id: string, event: string): Promise<string> {
  return eventually(async () => {
    const { html } = await under.visit(`/merchant/${id}?lang=en`);
    return webhooksOf(html).includes(event) && html;
  });
}

function webhooksOf(html: string): readonly string[] {
  return matches(html, /data-webhook="[^"]*"><span class="mono">([^<]*)</g);
}

function attributes(html: string, name: string): readonly string[] {
  return matches(html, new RegExp(`data-${name}="([^"]*)"`, "g"));
}

function amounts(html: string, name: string): readonly string[] {
  return matches(html, new RegExp(`data-${name}>([^<]*)<`, "g"));
}

function matches(html: string, pattern: RegExp): readonly string[] {
  return [...html.matchAll(pattern)].map(([, found = ""]) => found);
}
