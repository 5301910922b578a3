import { createHmac } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { withTransaction } from "../../web/return-url.ts";
import { ApiUnderTest, ORDER } from "../api/api-app.ts";
import type { Kit, Shop } from "./kit.ts";

const UNKNOWN = "00000000-0000-4000-8000-000000000000";
const SECRET_BYTES = Buffer.from("not a secret, but long enough");
const SECRET = `whsec_${SECRET_BYTES.toString("base64")}`;

/** What the example shop of every kit has to do for a shopper with a browser. */
export function describeShop(open: () => Promise<Kit>): void {
  let api: ApiUnderTest;
  let kit: Kit;
  let shop: Shop;
  beforeAll(async () => {
    [api, kit] = await Promise.all([ApiUnderTest.start(), open()]);
    const baseUrl = await api.app.listen({ port: 0, host: "127.0.0.1" });
    shop = await kit.serveShop({
      PHONE2PAY_BASE_URL: baseUrl,
      PHONE2PAY_API_KEY: api.seeded.liveKey,
      PHONE2PAY_WEBHOOK_SECRET: SECRET,
    });
  });
  afterAll(async () => {
    await shop[Symbol.asyncDispose]();
    await kit[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
  });

  /** Orders what the shop's own form offers first, and answers where it sends the shopper. */
  async function order(good: string) {
    const window = await visit(`${shop.url}/`);
    const action = /<form method="post" action="([^"]+)">/.exec(window.html)?.[1] ?? "no form";
    expect(window.html).toContain(`<button name="good" value="song">`);
    const response = await fetch(new URL(action, `${shop.url}/`), {
      method: "POST",
      body: new URLSearchParams({ good, amount: "1" }),
      redirect: "manual",
    });
    const location = response.headers.get("location") ?? "";
    return { status: response.status, location, id: location.split("/").at(-1) ?? "" };
  }

  const comeBack = (id: string) => visit(withTransaction(`${shop.url}${shop.paidPath}`, id));

  test("an order leads to the pay page, at the shop's own price", async () => {
    const { status, location, id } = await order("song");
    expect([status, location]).toEqual([303, `http://pay.test/pay/${id}`]);
    const opened = (await api.get(`/v1/transactions/${id}`)).json();
    expect(opened).toMatchObject({ amount: 100, description: "Single « Aube »", status: "open" });
    expect(opened.returnUrl).toBe(`${shop.url}${shop.paidPath}`);
    expect((await order("moon")).status).toBe(404);
  });

  test("who has paid gets the goods once, and a summary to print at each visit", async () => {
    const { id, location } = await order("song");
    const early = await comeBack(id);
    expect([early.status, early.title]).toEqual([200, "Not paid yet"]);
    expect(early.html).toContain(`href="${location}"`);
    await api.pay(id);
    const first = await comeBack(id);
    expect([first.status, first.title]).toEqual([200, "Thank you for your order"]);
    for (const shown of [id, "Single « Aube »", "CHF 1.00"]) expect(first.html).toContain(shown);
    const again = await comeBack(id);
    expect([again.status, again.title]).toEqual([200, "Delivered before"]);
    expect(again.html).toContain(id);
    expect((await api.get(`/v1/transactions/${id}`)).json()).toMatchObject({ status: "redeemed" });
  });

  test("an id that isn't of one of this shop's orders delivers nothing, and is not shown as HTML", async () => {
    // Paid for something else: its reference isn't one that this shop writes, or its amount isn't that of the good.
    const foreign = await api.create({ reference: "other-1" });
    const cheap = await api.create({ reference: "album-cheap" });
    for (const { id } of [foreign, cheap]) await api.pay(id);
    for (const id of [UNKNOWN, foreign.id, cheap.id, '"><script>alert(1)</script>', ""]) {
      const page = await comeBack(encodeURIComponent(id));
      expect([id, page.status, page.title]).toEqual([id, 404, "Unknown order"]);
      expect(page.html).not.toContain("<script");
    }
    for (const { id } of [foreign, cheap])
      expect((await api.get(`/v1/transactions/${id}`)).json()).toMatchObject({ status: "paid", amount: ORDER.amount });
  });

  test("a webhook is taken when it is proved, and refused when it isn't", async () => {
    const body = JSON.stringify({ type: "transaction.paid", data: { id: UNKNOWN, description: "Été 🎵" } });
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const signed = createHmac("sha256", SECRET_BYTES).update(`msg_1.${timestamp}.${body}`).digest("base64");
    const send = async (sent: string) => {
      const headers = { "webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": `v1,${signed}` };
      const response = await fetch(`${shop.url}${shop.webhookPath}`, { method: "POST", headers, body: sent });
      return response.status;
    };
    expect(await send(body)).toBe(204);
    expect(await send(body.replace("paid", "open"))).toBe(400);
    expect(await send("")).toBe(400);
  });
}

async function visit(address: string) {
  const response = await fetch(address);
  const html = await response.text();
  if (response.status === 500) throw new Error(html);
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  return { status: response.status, html, title: /<h1>([^<]*)<\/h1>/.exec(html)?.[1] };
}
