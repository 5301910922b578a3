import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { expireNow } from "../../core/played-call.ts";
import { changeTransaction } from "../../db/transactions.ts";
import { ApiUnderTest, ORDER } from "./api-app.ts";

let api: ApiUnderTest;
beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

test("a paid test transaction is no goods to a live key: it is unknown, and stays the test key's", async () => {
  const key = api.seeded.testKey;
  const { id } = await api.create({}, { key });
  await api.pay(id);
  for (const asked of [
    await api.get(`/v1/transactions/${id}`),
    await api.get(`/v1/transactions/${id}/events`),
    await api.post(`/v1/transactions/${id}/redeem`),
    await api.post(`/v1/transactions/${id}/cancel`),
  ])
    expect([asked.statusCode, asked.json().code]).toEqual([404, "transaction_unknown"]);
  const live = (await api.get("/v1/transactions?limit=100")).json().data;
  expect(live.map((transaction: { id: string }) => transaction.id)).not.toContain(id);
  expect((await api.post(`/v1/transactions/${id}/redeem`, undefined, { key })).json()).toMatchObject({
    status: "redeemed",
    test: true,
  });
});

test("a reference is free or in use in each mode by itself", async () => {
  const key = api.seeded.testKey;
  const create = (asked = {}) => api.post("/v1/transactions", { ...ORDER, reference: "order-7" }, asked);
  const [live, played] = [(await create()).json(), (await create({ key })).json()];
  expect([live.test, played.test]).toEqual([false, true]);
  for (const asked of [{}, { key }]) expect((await create(asked)).json().code).toBe("reference_in_use");
  await changeTransaction(api.db, played.id, expireNow);
  expect((await create()).json().code).toBe("reference_in_use");
  expect((await create({ key })).statusCode).toBe(201);
  const found = (await api.get("/v1/transactions?reference=order-7")).json().data;
  expect(found.map((transaction: { id: string }) => transaction.id)).toEqual([live.id]);
});
