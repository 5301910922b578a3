import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { DAY_MS } from "../../core/time.ts";
import { seedMerchant } from "../support/seed.ts";
import { shiftBack } from "../support/time-travel.ts";
import { ApiUnderTest, ask, composeApi } from "./api-app.ts";

let api: ApiUnderTest;
beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

async function paidPass(changes: Readonly<Record<string, unknown>> = {}) {
  const { id } = await api.create({ accessDays: 31, ...changes });
  await api.pay(id);
  return (await api.get(`/v1/transactions/${id}`)).json();
}

const check = async (access: string, key = api.seeded.liveKey) => {
  const answer = await api.post("/v1/access/check", { access }, { key });
  return { status: answer.statusCode, ...answer.json() };
};

test("an access code is told once its pass is paid, in groups of four", async () => {
  expect(await api.create({ accessDays: 31 })).toMatchObject({ accessCode: null, accessUntil: null, renewedBy: null });
  const pass = await paidPass();
  expect(pass.accessCode).toMatch(/^[0-9]{4} [0-9]{4} [0-9]{4}$/);
  expect(Date.parse(pass.accessUntil)).toBe(Date.parse(pass.paidAt) + 31 * DAY_MS);
  const sale = await api.create();
  await api.pay(sale.id);
  expect((await api.get(`/v1/transactions/${sale.id}`)).json()).toMatchObject({ accessCode: null });
});

test("a pass opens by id and by code, any number of times, redeemed or not", async () => {
  const pass = await paidPass();
  const open = { status: 200, valid: true, reason: null, accessUntil: pass.accessUntil, transaction: { id: pass.id } };
  for (const access of [pass.id, pass.id.toLowerCase().replaceAll("-", ""), pass.accessCode])
    expect(await check(access)).toMatchObject(open);
  await api.post(`/v1/transactions/${pass.id}/redeem`);
  for (const access of [pass.id, pass.accessCode.replaceAll(" ", ""), pass.accessCode])
    expect(await check(access)).toMatchObject({ ...open, transaction: { status: "redeemed" } });
});

test("what doesn't open says why", async () => {
  const unpaid = await api.create({ accessDays: 31 });
  const nothing = { status: 200, valid: false, accessUntil: null };
  expect(await check(unpaid.id)).toMatchObject({ ...nothing, reason: "not_paid" });
  await api.post(`/v1/transactions/${unpaid.id}/cancel`);
  expect(await check(unpaid.id)).toMatchObject({ ...nothing, reason: "cancelled" });
  const sale = await api.create();
  expect(await check(sale.id)).toMatchObject({ ...nothing, reason: "no_access" });
  const pass = await paidPass({ accessDays: 2 });
  await shiftBack(api.db, 2 * DAY_MS);
  expect(await check(pass.id)).toMatchObject({ status: 200, valid: false, reason: "expired" });
});

test("another merchant's pass, and the other mode's, are as unknown as one that never was", async () => {
  const pass = await paidPass();
  const stranger = await seedMerchant(api.db, { number: "0900900905" });
  for (const key of [stranger.liveKey, api.seeded.testKey])
    for (const access of [pass.id, pass.accessCode])
      expect(await check(access, key)).toMatchObject({ status: 404, code: "access_unknown" });
  for (const access of ["3F2504E0-4F89-41D3-9A0C-0305E82C3301", "0000 0000 0000", "x", "1234", " "])
    expect(await check(access)).toMatchObject({ status: 404, code: "access_unknown" });
  expect((await ask(api.app, "POST", "/v1/access/check", { body: { access: pass.id } })).statusCode).toBe(401);
});

test("an unpaid pass is unknown by its code, which nobody can know", async () => {
  const { id } = await api.create({ accessDays: 31 });
  const row = api.db.selectFrom("transactions").select("access_code").where("id", "=", id.toLowerCase());
  const { access_code: code } = await row.executeTakeFirstOrThrow();
  expect(await check(code ?? "")).toMatchObject({ status: 404 });
});

test("a renewal prolongs its pass, and the old id and code open as long as the new one's", async () => {
  const pass = await paidPass();
  const created = await api.create({ accessDays: 31, renews: pass.id.toLowerCase() });
  expect(created).toMatchObject({ renews: pass.id, accessUntil: null });
  expect(await check(pass.id)).toMatchObject({ valid: true, accessUntil: pass.accessUntil });
  await api.pay(created.id);
  const renewal = (await api.get(`/v1/transactions/${created.id}`)).json();
  expect(Date.parse(renewal.accessUntil)).toBe(Date.parse(pass.accessUntil) + 31 * DAY_MS);
  for (const access of [pass.id, pass.accessCode, renewal.id, renewal.accessCode])
    expect(await check(access)).toMatchObject({ valid: true, accessUntil: renewal.accessUntil });
  const old = (await api.get(`/v1/transactions/${pass.id}`)).json();
  expect(old).toMatchObject({ renewedBy: renewal.id, accessUntil: pass.accessUntil });
});

test("a chain of renewals is followed to its end, and its first id and code open until then", async () => {
  const first = await paidPass({ accessDays: 1 });
  let last = first;
  for (let renewals = 1; renewals <= 4; renewals++) {
    const { id } = await api.create({ accessDays: 2, renews: last.id });
    await api.pay(id);
    last = (await api.get(`/v1/transactions/${id}`)).json();
  }
  const ends = Date.parse(first.accessUntil) + 8 * DAY_MS;
  expect(Date.parse(last.accessUntil)).toBe(ends);
  for (const access of [first.id, first.accessCode, last.renews])
    expect(Date.parse((await check(access)).accessUntil)).toBe(ends);
});

test("a pass is renewed once at a time: the refusal names the renewal there is", async () => {
  const pass = await paidPass();
  const first = await api.create({ accessDays: 31, renews: pass.id });
  const wish = { amount: 100, currency: "CHF", description: "x", returnUrl: "https://shop.example/", accessDays: 31 };
  const again = await api.post("/v1/transactions", { ...wish, renews: pass.id });
  expect(again.statusCode).toBe(409);
  expect(again.json()).toMatchObject({
    code: "renewal_exists",
    errors: [{ path: "/renews", message: `has the renewal ${first.id}` }],
  });
  await api.runOut(first.id);
  expect((await api.post("/v1/transactions", { ...wish, renews: pass.id })).statusCode).toBe(201);
  expect((await api.get(`/v1/transactions/${first.id}`)).json()).toMatchObject({ status: "cancelled" });
});

test("what was billed for an expired renewal isn't thrown away for a new one", async () => {
  const pass = await paidPass();
  const { id } = await api.create({ accessDays: 31, renews: pass.id });
  await api.db.updateTable("transactions").set({ billed: 10 }).where("id", "=", id.toLowerCase()).execute();
  await api.runOut(id);
  const wish = { amount: 100, currency: "CHF", description: "x", returnUrl: "https://shop.example/", accessDays: 31 };
  const again = await api.post("/v1/transactions", { ...wish, renews: pass.id });
  expect(again.json()).toMatchObject({ code: "renewal_exists" });
});

test.each([
  ["without days", { accessDays: null }, 422, "field_invalid", "/accessDays"],
  ["of an unknown one", { renews: "3F2504E0-4F89-41D3-9A0C-0305E82C3301" }, 422, "field_invalid", "/renews"],
  ["of nothing", { renews: "" }, 422, "field_invalid", "/renews"],
])("a renewal %s is refused", async (_what, changes, status, code, path) => {
  const pass = await paidPass();
  const wish = { amount: 100, currency: "CHF", description: "x", returnUrl: "https://shop.example/", accessDays: 31 };
  const answer = await api.post("/v1/transactions", { ...wish, renews: pass.id, ...changes });
  expect(answer.statusCode).toBe(status);
  expect(answer.json()).toMatchObject({ code, errors: [{ path }] });
});

test("what isn't a paid pass can't be renewed, nor a pass beyond two months ahead", async () => {
  const wish = { amount: 100, currency: "CHF", description: "x", returnUrl: "https://shop.example/", accessDays: 31 };
  const refused = async (renews: string) => (await api.post("/v1/transactions", { ...wish, renews })).json().code;
  expect(await refused((await api.create({ accessDays: 31 })).id)).toBe("renewal_refused");
  const sale = await api.create();
  await api.pay(sale.id);
  expect(await refused(sale.id)).toBe("renewal_refused");
  const pass = await paidPass();
  const renewal = await api.create({ accessDays: 31, renews: pass.id });
  await api.pay(renewal.id);
  expect(await refused(renewal.id)).toBe("renewal_refused");
});

test("a reference is taken while its transaction is open, and free once it is paid", async () => {
  const first = await api.create({ reference: "order-1", accessDays: 31 });
  const wish = { amount: 100, currency: "CHF", description: "x", returnUrl: "https://shop.example/" };
  const second = await api.post("/v1/transactions", { ...wish, reference: "order-1" });
  expect(second.json()).toMatchObject({ code: "reference_in_use", errors: [{ path: "/reference" }] });
  await api.create({ reference: "order-1" }, { key: api.seeded.testKey });
  await api.pay(first.id);
  await api.create({ reference: "order-1", accessDays: 31, renews: first.id });
});

test("of codes that a shop passes on for its visitors, so many wrong ones are looked up, and ids always", async () => {
  const pass = await paidPass();
  const { liveKey } = await seedMerchant(api.db, { number: "0900900999" });
  const app = await composeApi(api.db, { accessCodeGuesses: { atOnceMax: 20, perMinute: 1 } });
  const enter = (access: string, key: string) => ask(app, "POST", "/v1/access/check", { key, body: { access } });
  const guesses = [];
  for (let tries = 0; tries <= 20; tries++)
    guesses.push((await enter(String(tries).padStart(12, "9"), liveKey)).statusCode);
  expect(guesses).toEqual([...Array(20).fill(404), 429]);
  const blocked = await enter("999999999999", liveKey);
  expect(blocked.json()).toMatchObject({ code: "too_many_requests" });
  expect(Number(blocked.headers["retry-after"])).toBeGreaterThan(50);
  expect((await enter(pass.id, liveKey)).json()).toMatchObject({ code: "access_unknown" });
  // Another shop's visitors are another matter.
  expect((await enter(pass.accessCode, api.seeded.liveKey)).json()).toMatchObject({ valid: true });
  await app.close();
});
