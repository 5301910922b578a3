import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { issueCode } from "../../db/codes.ts";
import { addApiKey } from "../../db/merchants.ts";
import { seedMerchant, seedNumber, TEN_RAPPEN_A_SECOND, THREE_FRANCS_A_CALL } from "../support/seed.ts";
import { ApiUnderTest, BASE_URL, ORDER } from "./api-app.ts";

let api: ApiUnderTest;

beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

test("a transaction goes all the way from opening to redeeming, and tells it in its events", async () => {
  const created = await api.post("/v1/transactions", {
    ...ORDER,
    reference: "order-1",
    cancelUrl: "https://shop.example/basket",
    language: "fr",
    accessDays: 7,
    items: [{ description: "Album", quantity: 2, amount: 100 }],
    metadata: { basket: "7", constructor: "x" },
  });
  expect(created.statusCode).toBe(201);
  const transaction = created.json();
  const { id } = transaction;
  expect(id).toMatch(/^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/);
  expect(created.headers.location).toBe(`${BASE_URL}/v1/transactions/${id}`);
  expect(transaction).toEqual({
    id,
    status: "open",
    exception: "none",
    amount: 100,
    total: 100,
    currency: "CHF",
    billed: 0,
    remaining: 100,
    payUrl: `${BASE_URL}/pay/${id}`,
    number: { national: "0900 900 904", e164: "+41900900904", tel: "tel:+41900900904", priceText: "CHF 1.20/min" },
    calls: 1,
    expectedSeconds: 46,
    code: null,
    expiresAt: expect.any(String),
    resumableUntil: expect.any(String),
    accessUntil: null,
    accessCode: null,
    renews: null,
    renewedBy: null,
    donation: null,
    test: false,
    reference: "order-1",
    metadata: { basket: "7", constructor: "x" },
    description: ORDER.description,
    items: [{ description: "Album", quantity: 2, amount: 100 }],
    language: "fr",
    accessDays: 7,
    returnUrl: ORDER.returnUrl,
    cancelUrl: "https://shop.example/basket",
    createdAt: expect.any(String),
    paidAt: null,
    confirmedAt: null,
    redeemedAt: null,
    redeemedBy: null,
    cancelledAt: null,
  });
  expect((await api.get(`/v1/transactions/${id}`)).json()).toEqual(transaction);

  await api.call(id, 4);
  expect((await api.get(`/v1/transactions/${id}`)).json()).toMatchObject({
    status: "calling",
    billed: 40,
    remaining: 60,
    code: null,
  });
  await api.db.updateTable("call_legs").set({ ended_at: new Date(), end_reason: "test" }).execute();
  await api.db.updateTable("transactions").set({ status: "open" }).where("id", "=", id).execute();
  await api.call(id, 6);
  const paid = (await api.get(`/v1/transactions/${id}`)).json();
  expect(paid).toMatchObject({ status: "paid", billed: 100, remaining: 0, exception: "none" });
  expect(Date.parse(paid.accessUntil) - Date.parse(paid.paidAt)).toBe(7 * 86_400_000);

  const redeemed = await api.post(`/v1/transactions/${id}/redeem`);
  expect(redeemed.statusCode).toBe(200);
  expect(redeemed.json()).toMatchObject({ status: "redeemed", redeemedBy: "live", redeemedAt: expect.any(String) });
  const again = await api.post(`/v1/transactions/${id}/redeem`);
  expect(again.statusCode).toBe(409);
  expect(again.json()).toMatchObject({
    code: "transaction_already_redeemed",
    redeemedAt: redeemed.json().redeemedAt,
    redeemedBy: "live",
  });

  const events = (await api.get(`/v1/transactions/${id}/events`)).json().data;
  expect(events.map((event: { type: string }) => event.type)).toEqual([
    "transaction.created",
    "transaction.call_started",
    "transaction.call_started",
    "transaction.paid",
    "transaction.redeemed",
  ]);
  expect(events[0]).toEqual({
    id: expect.any(String),
    type: "transaction.created",
    createdAt: expect.any(String),
    data: { amountRappen: 100 },
  });
  expect(events[1].data).toEqual({ creditRappen: 0 });
});

test("of 30 redeems at the same moment one succeeds", async () => {
  const { id } = await api.create();
  await api.pay(id);
  const answers = await Promise.all(Array.from({ length: 30 }, () => api.post(`/v1/transactions/${id}/redeem`)));
  expect(answers.filter((answer) => answer.statusCode === 200)).toHaveLength(1);
  expect(answers.filter((answer) => answer.json().code === "transaction_already_redeemed")).toHaveLength(29);
});

test("the code is shown while it can be keyed, and not after", async () => {
  const { id } = await api.create();
  const code = await issueCode(api.db, { transactionId: id, lifeSeconds: 180 });
  if ("refusal" in code) throw new Error(code.refusal);
  const shown = { value: code.code, expiresAt: code.expiresAt.toISOString() };
  expect((await api.get(`/v1/transactions/${id}`)).json().code).toEqual(shown);
  const listed = (await api.get("/v1/transactions?limit=1")).json().data[0];
  expect(listed).toMatchObject({ id, code: shown });
  const gone = new Date(code.issuedAt.getTime() + 1);
  await api.db.updateTable("codes").set({ expires_at: gone }).where("transaction_id", "=", id).execute();
  expect((await api.get(`/v1/transactions/${id}`)).json().code).toBeNull();
});

test("an id is read in any case, with or without dashes", async () => {
  const { id } = await api.create();
  const bare = id.replaceAll("-", "").toLowerCase();
  expect((await api.get(`/v1/transactions/${bare}`)).json().id).toBe(id);
  expect((await api.post(`/v1/transactions/${bare}/cancel`)).json()).toMatchObject({ id, status: "cancelled" });
});

test("cancelling twice is the same as once", async () => {
  const { id } = await api.create();
  const first = await api.post(`/v1/transactions/${id}/cancel`);
  const second = await api.post(`/v1/transactions/${id}/cancel`);
  expect([first.statusCode, second.statusCode]).toEqual([200, 200]);
  expect(second.json()).toEqual(first.json());
});

test("what the clock has ended is expired everywhere, and its reference is free, before any job has noted it", async () => {
  const { id } = await api.create({ reference: "late" });
  await api.runOut(id);
  expect((await api.get(`/v1/transactions/${id}`)).json().status).toBe("expired");
  const page = (await api.get("/v1/transactions?status=expired&reference=late")).json();
  expect(page.data.map((found: { id: string }) => found.id)).toEqual([id]);
  expect((await api.get("/v1/transactions?status=open&reference=late")).json().data).toEqual([]);
  const second = await api.create({ reference: "late" });
  expect(second.id).not.toBe(id);
  expect((await api.post("/v1/transactions", { ...ORDER, reference: "late" })).json().code).toBe("reference_in_use");
});

test("what belongs to another merchant, or to the other mode, is unknown", async () => {
  const stranger = await seedMerchant(api.db, { number: "0900900911" });
  const { id } = await api.create({ reference: "mine" });
  for (const key of [stranger.liveKey, stranger.testKey, api.seeded.testKey]) {
    const answers = await Promise.all([
      api.get(`/v1/transactions/${id}`, { key }),
      api.get(`/v1/transactions/${id}/events`, { key }),
      api.post(`/v1/transactions/${id}/redeem`, undefined, { key }),
      api.post(`/v1/transactions/${id}/cancel`, undefined, { key }),
    ]);
    for (const answer of answers) {
      expect(answer.statusCode).toBe(404);
      expect(answer.json().code).toBe("transaction_unknown");
    }
    expect((await api.get("/v1/transactions?reference=mine", { key })).json().data).toEqual([]);
    const after = await api.get(`/v1/transactions?startingAfter=${id}`, { key });
    expect(after.json()).toMatchObject({ status: 422, errors: [{ path: "/startingAfter" }] });
  }
  const theirs = await api.post("/v1/transactions", { ...ORDER, number: "0900900904" }, { key: stranger.liveKey });
  expect(theirs.json().code).toBe("number_unknown");
  const numbers = (await api.get("/v1/numbers", { key: stranger.liveKey })).json().data;
  expect(numbers.map((number: { national: string }) => number.national)).toEqual(["0900 900 911"]);
  expect((await api.get(`/v1/transactions/${id}`)).json().status).toBe("open");
});

test("the key sets the mode", async () => {
  const key = await addApiKey(api.db, { merchantId: api.seeded.merchantId, test: true, name: "shop" });
  expect((await api.create({}, { key })).test).toBe(true);
  expect((await api.create()).test).toBe(false);
});

test("the number is the one that fits the amount best, or the one asked for in any form", async () => {
  const merchant = await seedMerchant(api.db, { number: "0900900921" });
  const { merchantId, liveKey: key } = merchant;
  for (const [number, segments] of [
    ["0900900922", TEN_RAPPEN_A_SECOND],
    ["0900900923", THREE_FRANCS_A_CALL],
  ] as const) {
    await seedNumber(api.db, { merchantId, number, segments, language: "de" });
  }
  const best = async (amount: number) => (await api.create({ amount }, { key })).number.national;
  expect(await best(100)).toBe("0900 900 922");
  expect(await best(30)).toBe("0900 900 921");
  expect(await best(300)).toBe("0900 900 923");
  for (const number of ["0900 900 921", "+41900900921", "0041 900 900 921", "0900900921"]) {
    const created = await api.create({ amount: 100, number }, { key });
    expect(created.number).toMatchObject({ e164: "+41900900921", priceText: "CHF 1.20/min" });
  }
  const quotes = (await api.post("/v1/quotes", { amount: 300 }, { key })).json();
  expect(quotes).toMatchObject({
    number: { national: "0900 900 923", priceText: "CHF 3.00/Anruf" },
    amount: 300,
    total: 300,
    overshoot: 0,
    pulses: 1,
    expectedSeconds: 6,
    shortestSeconds: 6,
  });
  expect(quotes.data).toHaveLength(3);
  const one = (await api.post("/v1/quotes", { amount: 95, number: "0900 900 921" }, { key })).json();
  expect(one).toMatchObject({ total: 100, overshoot: 5, pulses: 10, expectedSeconds: 46 });
  expect(one.data).toHaveLength(1);
  expect((await api.get("/v1/numbers", { key })).json().data[1]).toEqual({
    national: "0900 900 922",
    e164: "+41900900922",
    tel: "tel:+41900900922",
    priceText: "CHF 6.00/Min.",
    language: "de",
    tariff: "test",
    shortestSeconds: 6,
  });
});

test("return addresses keep to the origins that the merchant registered", async () => {
  const { merchantId, liveKey: key } = await seedMerchant(api.db, { number: "0900900931" });
  const origins = ["https://shop.example"];
  await api.db.updateTable("merchants").set({ return_origins: origins }).where("id", "=", merchantId).execute();
  expect((await api.create({ returnUrl: "https://shop.example/a?b=1#c" }, { key })).returnUrl).toBe(
    "https://shop.example/a?b=1#c",
  );
  for (const returnUrl of [
    "https://shop.example.evil.example/",
    "http://shop.example/",
    "https://shop.example:8443/",
  ]) {
    const refused = await api.post("/v1/transactions", { ...ORDER, returnUrl }, { key });
    expect(refused.json()).toMatchObject({ status: 422, code: "return_url_invalid", errors: [{ path: "/returnUrl" }] });
  }
});
