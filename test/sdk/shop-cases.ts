import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { withTransaction } from "../../web/return-url.ts";
import { ApiUnderTest, ORDER } from "../api/api-app.ts";
import type { Kit, Shop } from "./kit.ts";
import { type Answered, openLine, type ShopLine } from "./shop-line.ts";

const UNKNOWN = "00000000-0000-4000-8000-000000000000";
const SECRET_BYTES = Buffer.from("not a secret, but long enough");
const SECRET = `whsec_${SECRET_BYTES.toString("base64")}`;
const SCRIPT = "<script>alert(1)</script>";

/** What the example shop of every kit has to do for a shopper with a browser. */
export function describeShop(open: () => Promise<Kit>): void {
  let api: ApiUnderTest;
  let kit: Kit;
  let shop: Shop;
  let line: ShopLine;
  let data: string;
  beforeAll(async () => {
    [api, kit] = await Promise.all([ApiUnderTest.start(), open()]);
    [line, data] = await Promise.all([openLine(api.app), mkdtemp(path.join(tmpdir(), "phone2pay-shop-"))]);
    shop = await kit.serveShop({
      SHOP_DATA: data,
      PHONE2PAY_BASE_URL: line.url,
      PHONE2PAY_API_KEY: api.seeded.liveKey,
      PHONE2PAY_WEBHOOK_SECRET: SECRET,
    });
  });
  afterAll(async () => {
    await shop[Symbol.asyncDispose]();
    await kit[Symbol.asyncDispose]();
    await line[Symbol.asyncDispose]();
    await rm(data, { recursive: true });
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

  test("a redeem whose answer was lost is asked again, and the goods are delivered once", async () => {
    const { id } = await order("song");
    await api.pay(id);
    {
      using _lost = line.disturb((answered, asked) => (/redeem/i.test(asked) ? null : answered));
      const troubled = await comeBack(id);
      expect([troubled.status, troubled.title]).toEqual([502, "Please try again later"]);
      expect(troubled.html).toContain("no_answer");
    }
    expect((await api.get(`/v1/transactions/${id}`)).json()).toMatchObject({ status: "redeemed" });
    const later = [await comeBack(id), await comeBack(id), await comeBack(id.toLowerCase())];
    expect(later.map(({ title }) => title)).toEqual([
      "Thank you for your order",
      "Delivered before",
      "Delivered before",
    ]);
  });

  test("of several tabs at once one gets the goods", async () => {
    const { id } = await order("song");
    await api.pay(id);
    const tabs = await Promise.all(Array.from({ length: 3 }, () => comeBack(id)));
    expect(tabs.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(tabs.filter(({ title }) => title === "Thank you for your order")).toHaveLength(1);
    for (const { title } of tabs)
      expect(["Thank you for your order", "Delivered before", "One moment, please"]).toContain(title);
  });

  test("what another tab has noted as delivered while the redeem was under way is not delivered again", async () => {
    const { id } = await order("song");
    await api.pay(id);
    using _quicker = line.disturb((answered, asked) => {
      if (/redeem/i.test(asked)) writeFileSync(path.join(data, id), "");
      return answered;
    });
    expect((await comeBack(id)).title).toBe("Delivered before");
  });

  test("who cancelled is told so, whose time ran out can go on, and what was redeemed elsewhere isn't delivered", async () => {
    const [cancelled, expired, elsewhere] = [await order("song"), await order("song"), await order("song")];
    await api.post(`/v1/transactions/${cancelled.id}/cancel`);
    await api.runOut(expired.id);
    await api.pay(elsewhere.id);
    await api.post(`/v1/transactions/${elsewhere.id}/redeem`);
    const shown = [await comeBack(cancelled.id), await comeBack(expired.id), await comeBack(elsewhere.id)];
    expect(shown.map(({ status, title }) => [status, title])).toEqual([
      [200, "Cancelled"],
      [200, "The time to pay has run out"],
      [200, "Redeemed before"],
    ]);
    expect(shown[1]?.html).toContain(`href="${expired.location}"`);
    for (const page of shown.slice(0, 2)) expect(page.html).toContain("Order again");
  });

  test("what is no id is no order of this shop's, and nobody is asked about it", async () => {
    const { length } = line.asked;
    for (const id of ["x".repeat(300), "..", ".", "a/b", "%00", `${UNKNOWN}\n`, `${UNKNOWN}0`, SCRIPT, ""]) {
      const page = await comeBack(encodeURIComponent(id));
      expect([id, page.status, page.title]).toEqual([id, 404, "Unknown order"]);
    }
    const bare = await visit(`${shop.url}${shop.paidPath}`);
    expect([bare.status, bare.title]).toEqual([404, "Unknown order"]);
    expect(line.asked.slice(length)).toEqual([]);
  });

  test("nothing that comes from outside is shown as HTML", async () => {
    // Whoever has the shop's key writes references; whoever answers in the server's place writes all the rest.
    const { id } = await api.create({ reference: `song-${SCRIPT}` });
    const seen: string[] = [];
    const see = async (wanted: string) => {
      const { html, title } = await comeBack(id);
      expect([title, html.includes("<script")]).toEqual([wanted, false]);
      seen.push(html);
    };
    {
      using _payUrl = line.disturb(({ body, ...answered }) => ({
        ...answered,
        body: body.replaceAll("/pay/", escaped(answered, `/">${SCRIPT}/`)),
      }));
      await see("Not paid yet");
    }
    {
      using _code = line.disturb((answered, asked) => (/redeem/i.test(asked) ? problemOf(answered) : answered));
      await see("Please try again later");
    }
    await api.pay(id);
    await see("Thank you for your order");
    await see("Delivered before");
    for (const html of seen) expect(html).toContain("alert(1)");
  });

  test("an id that isn't of one of this shop's orders delivers nothing", async () => {
    // Paid for something else: its reference isn't one that this shop writes, or its amount isn't that of the good.
    const foreign = await api.create({ reference: "other-1" });
    const cheap = await api.create({ reference: "album-cheap" });
    for (const { id } of [foreign, cheap]) await api.pay(id);
    for (const id of [UNKNOWN, foreign.id, cheap.id]) {
      const page = await comeBack(id);
      expect([id, page.status, page.title]).toEqual([id, 404, "Unknown order"]);
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

/** Text for the inside of a body of that type. */
function escaped({ type }: Pick<Answered, "type">, text: string): string {
  if (type.includes("json")) return JSON.stringify(text).slice(1, -1);
  return text.replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** A refusal with a code that nobody knows. */
function problemOf({ type, ...answered }: Answered): Answered {
  const code = escaped({ type }, SCRIPT);
  const body = type.includes("json")
    ? `{"code":"${code}"}`
    : `<Error xmlns="urn:phone2pay:webservices"><code>${code}</code></Error>`;
  return { ...answered, type, body };
}

async function visit(address: string) {
  const response = await fetch(address);
  const html = await response.text();
  if (response.status === 500) throw new Error(html);
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  return { status: response.status, html, title: /<h1>([^<]*)<\/h1>/.exec(html)?.[1] };
}
