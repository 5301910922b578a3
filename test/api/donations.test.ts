import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { chooseDonation } from "../../db/donations.ts";
import { seedNumber, THREE_FRANCS_A_CALL } from "../support/seed.ts";
import { ApiUnderTest } from "./api-app.ts";

let api: ApiUnderTest;
beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const donation = { minimum: 100, maximum: 2_000, suggestions: [200, 500] };

test("a donation shows its limits, and the amount once the shopper has chosen it", async () => {
  const created = await api.create({ amount: 200, donation });
  expect(created).toMatchObject({ amount: 200, donation: { ...donation, chosenAt: null }, code: null });
  await chooseDonation(api.db, { transactionId: created.id, amountRappen: 455 });
  const chosen = (await api.get(`/v1/transactions/${created.id}`)).json();
  expect(chosen).toMatchObject({ amount: 455, total: 460, donation: { chosenAt: expect.any(String) } });
  const { data } = (await api.get(`/v1/transactions/${created.id}/events`)).json();
  expect(data.at(-1)).toMatchObject({
    type: "transaction.amount_chosen",
    data: { amountRappen: 455, totalRappen: 460 },
  });
});

test("any other payment has none", async () => {
  expect(await api.create()).toMatchObject({ donation: null });
  expect(await api.create({ amount: 100, donation: { minimum: 100, maximum: 100 } })).toMatchObject({
    donation: { minimum: 100, maximum: 100, suggestions: [] },
  });
});

test.each([
  [{ amount: 99 }, "donation_limits", "/amount"],
  [{ amount: 2_001 }, "donation_limits", "/amount"],
  [{ donation: { ...donation, minimum: 2_001 } }, "donation_limits", "/donation/minimum"],
  [{ donation: { ...donation, suggestions: [200, 2_001] } }, "donation_limits", "/donation/suggestions/1"],
  [{ donation: { ...donation, suggestions: [1, 2, 3, 4, 5, 6, 7] } }, "field_invalid", "/donation/suggestions"],
  [{ donation: { minimum: 100 } }, "field_invalid", "/donation/maximum"],
  [{ donation: { ...donation, maximum: 40_001 } }, "field_invalid", "/donation/maximum"],
  [{ donation: { ...donation, minimum: 0 } }, "field_invalid", "/donation/minimum"],
  [{ donation: { ...donation, step: 5 } }, "field_invalid", "/donation/step"],
  [{ items: [{ description: "x", quantity: 1, amount: 200 }] }, "field_invalid", "/items"],
])("%j is refused as %s at %s", async (changes, code, path) => {
  const answer = await api.post("/v1/transactions", {
    amount: 200,
    currency: "CHF",
    description: "Fonds",
    returnUrl: "https://shop.example/back",
    donation,
    ...changes,
  });
  expect(answer.statusCode).toBe(422);
  expect(answer.json()).toMatchObject({ code, errors: [{ path }] });
});

test("both limits have to be amounts that the number can bill", async () => {
  await seedNumber(api.db, {
    merchantId: api.seeded.merchantId,
    number: "0900900906",
    segments: THREE_FRANCS_A_CALL,
  });
  const wish = { amount: 300, currency: "CHF", description: "Fonds", returnUrl: "https://shop.example/back" };
  const on = (maximum: number) =>
    api.post("/v1/transactions", { ...wish, number: "0900900906", donation: { minimum: 300, maximum } });
  expect((await on(2_700)).statusCode).toBe(201);
  const refused = await on(2_701);
  expect(refused.statusCode).toBe(422);
  expect(refused.json()).toMatchObject({ code: "amount_unreachable", errors: [{ path: "/donation" }] });
});
