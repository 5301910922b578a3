import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ApiUnderTest, ORDER } from "./api-app.ts";
import { addLogin, callElement, envelope, post, SERVICE, soap, text } from "./webservices-app.ts";

let api: ApiUnderTest;

beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const named = (key: string) => ({ "idempotency-key": key });
const signedIn = () => ({ apiKey: api.seeded.liveKey });

test("the old-style services do once what is asked under one key, by whichever of their ways it comes", async () => {
  const { id } = await api.create();
  await api.pay(id);
  const wish = { ...signedIn(), id };
  const key = named(`redeem-${id}`);
  const first = await post(api.app, "RedeemTransaction", wish, key);
  const again = await post(api.app, "RedeemTransaction", wish, key);
  expect([first.statusCode, first.headers["idempotent-replayed"]]).toEqual([200, undefined]);
  expect([again.statusCode, again.headers["idempotent-replayed"], again.body]).toEqual([200, "true", first.body]);
  const bySoap = await soap(api.app, envelope(callElement("RedeemTransaction", wish)), key);
  expect([bySoap.statusCode, text(bySoap.body, "redeemedAt")]).toEqual([200, text(first.body, "redeemedAt")]);
  const bare = await post(api.app, "RedeemTransaction", wish);
  expect(text(bare.body, "code")).toBe("transaction_already_redeemed");
});

test("a key belongs to one transaction and one merchant's user, and not to their password", async () => {
  const [one, other] = [await api.create(), await api.create()];
  for (const { id } of [one, other]) await api.pay(id);
  const key = named("redeem-1");
  await post(api.app, "RedeemTransaction", { ...signedIn(), id: one.id }, key);
  const reused = await post(api.app, "RedeemTransaction", { ...signedIn(), id: other.id }, key);
  expect(text(reused.body, "code")).toBe("idempotency_key_reused");
  const query = new URLSearchParams({ ...signedIn(), id: other.id }).toString();
  const got = await api.app.inject({ method: "GET", url: `${SERVICE}/RedeemTransaction?${query}`, headers: key });
  expect(text(got.body, "code")).toBe("idempotency_key_reused");
  const login = await addLogin(api.db, api.seeded.merchantId);
  const byPassword = await post(api.app, "RedeemTransaction", { ...login, id: one.id, test: false }, key);
  expect([byPassword.statusCode, text(byPassword.body, "status")]).toEqual([200, "redeemed"]);
});

test("an order is opened once, a check is never repeated from memory, and a key that is none is refused", async () => {
  const order = { ...ORDER, ...signedIn() };
  const opened = [
    await post(api.app, "CreateTransaction", order, named("order-1")),
    await post(api.app, "CreateTransaction", order, named("order-1")),
  ];
  const [id = "", same] = opened.map(({ body }) => text(body, "id"));
  expect(same).toBe(id);
  const check = async () =>
    text((await post(api.app, "CheckTransaction", { ...signedIn(), id }, named("c"))).body, "status");
  expect(await check()).toBe("open");
  await api.pay(id);
  expect(await check()).toBe("paid");
  const odd = await post(api.app, "CreateTransaction", order, named("two words"));
  expect([odd.statusCode, text(odd.body, "code")]).toEqual([422, "idempotency_key_invalid"]);
});
