import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { FastifyInstance } from "fastify";
import { ERRORS, type ErrorCode } from "../../core/errors.ts";
import { openDatabase } from "../../db/database.ts";
import { reserveRequest } from "../../db/idempotent-answers.ts";
import { seedMerchant, THREE_FRANCS_A_CALL } from "../support/seed.ts";
import { ApiUnderTest, ask, BASE_URL, composeApi, ORDER } from "./api-app.ts";

let api: ApiUnderTest;

beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const HOOKS = "/v1/webhook-endpoints";
const hook = async (key = api.seeded.liveKey) =>
  (await api.post(HOOKS, { url: "https://shop.example/" }, { key })).json();
const NOWHERE = "/v1/transactions/00000000-0000-4000-8000-000000000000";
const order = (changes: Readonly<Record<string, unknown>> = {}) =>
  api.post("/v1/transactions", { ...ORDER, ...changes });

const named = (key: string, changes: Readonly<Record<string, unknown>> = {}) =>
  api.post("/v1/transactions", { ...ORDER, ...changes }, { headers: { "idempotency-key": key } });

/** How to provoke each code that the API can answer. */
const PROVOKED: Readonly<Partial<Record<ErrorCode, () => ReturnType<typeof ask>>>> = {
  request_malformed: () => api.post("/v1/transactions", "{"),
  field_invalid: () => order({ colour: "red" }),
  amount_invalid: () => order({ amount: 0 }),
  amount_too_small: () => order({ amount: 10 }),
  async amount_unreachable() {
    const { liveKey: key } = await seedMerchant(api.db, { number: "0900900951", segments: THREE_FRANCS_A_CALL });
    return api.post("/v1/transactions", { ...ORDER, amount: 2_701 }, { key }); // ten calls
  },
  number_unknown: () => order({ number: "0900 111 111" }),
  return_url_invalid: () => order({ returnUrl: "ftp://shop.example" }),
  currency_unsupported: () => order({ currency: "EUR" }),
  async reference_in_use() {
    await api.create({ reference: "twice" });
    return order({ reference: "twice" });
  },
  idempotency_key_invalid: () => named("two words"),
  async idempotency_key_in_use() {
    const request = { merchantId: api.seeded.merchantId, test: false, operation: "POST /v1/transactions", key: "used" };
    return api.db.transaction().execute(async (trx) => {
      expect(await reserveRequest(trx, request)).toBe(true);
      return named("used");
    });
  },
  async idempotency_key_reused() {
    await named("again");
    return named("again", { amount: 110 });
  },
  donation_limits: () => order({ donation: { minimum: 500, maximum: 1_000 } }),
  access_unknown: () => api.post("/v1/access/check", { access: "0000 0000 0000" }),
  async renewal_refused() {
    const { id } = await api.create({ accessDays: 31 });
    return order({ accessDays: 31, renews: id });
  },
  async renewal_exists() {
    const { id } = await api.create({ accessDays: 31 });
    await api.pay(id);
    await api.create({ accessDays: 31, renews: id });
    return order({ accessDays: 31, renews: id });
  },
  api_key_missing: () => api.get("/v1/numbers", { key: undefined }),
  api_key_invalid: () => api.get("/v1/numbers", { key: "p2p_live_wrong" }),
  transaction_unknown: () => api.get(NOWHERE),
  route_unknown: () => api.get("/v1/nothing"),
  method_not_allowed: () => api.ask("DELETE", NOWHERE),
  async transaction_not_paid() {
    const { id } = await api.create();
    return api.post(`/v1/transactions/${id}/redeem`);
  },
  async transaction_already_redeemed() {
    const { id } = await api.create();
    await api.pay(id);
    await api.post(`/v1/transactions/${id}/redeem`);
    return api.post(`/v1/transactions/${id}/redeem`);
  },
  async transaction_already_paid() {
    const { id } = await api.create();
    await api.pay(id);
    return api.post(`/v1/transactions/${id}/cancel`);
  },
  async transaction_cancelled() {
    const { id } = await api.create();
    await api.post(`/v1/transactions/${id}/cancel`);
    return api.post(`/v1/transactions/${id}/redeem`);
  },
  async transaction_expired() {
    const { id } = await api.create();
    await api.runOut(id);
    return api.post(`/v1/transactions/${id}/redeem`);
  },
  async call_in_progress() {
    const { id } = await api.create();
    await api.call(id);
    return api.post(`/v1/transactions/${id}/cancel`);
  },
  webhook_url_invalid: () => api.post(HOOKS, { url: "http://shop.example/" }),
  webhook_endpoint_unknown: () => api.get(`${HOOKS}/00000000-0000-4000-8000-000000000000`),
  async webhook_delivery_unknown() {
    const { id } = await hook();
    return api.get(`${HOOKS}/${id}/deliveries/1`);
  },
  async webhook_endpoint_disabled() {
    const { id } = await hook();
    await api.ask("PATCH", `${HOOKS}/${id}`, { body: { disabled: true } });
    return api.post(`${HOOKS}/${id}/test`);
  },
  async webhook_endpoints_exhausted() {
    const { liveKey: key } = await seedMerchant(api.db, { number: "0900900953" });
    for (let place = 1; place <= 10; place++) await hook(key);
    return api.post(HOOKS, { url: "https://shop.example/" }, { key });
  },
  not_acceptable: () => api.get("/v1/numbers", { headers: { accept: "text/html" } }),
  body_too_large: () => order({ description: "x".repeat(64 * 1_024) }),
  media_type_unsupported: () =>
    api.post("/v1/transactions", "amount=1", { headers: { "content-type": "application/x-www-form-urlencoded" } }),
  encoding_unsupported: () =>
    api.post("/v1/transactions", ORDER, { headers: { "content-type": "application/json; charset=iso-8859-1" } }),
  too_many_requests: () =>
    withOther(composeApi(api.db, { requestsPerMinuteMax: 2 }), async (app) => {
      const asked = { key: api.seeded.liveKey };
      await ask(app, "GET", "/v1/numbers", asked);
      await ask(app, "GET", NOWHERE, asked);
      expect((await ask(app, "GET", "/v1/numbers", { key: api.seeded.testKey })).statusCode).toBe(200);
      return ask(app, "GET", "/v1/numbers", asked);
    }),
  async service_unavailable() {
    await using away = openDatabase("postgres://nobody@127.0.0.1:1/nothing");
    return withOther(composeApi(away.db), (app) => ask(app, "GET", "/v1/numbers", { key: api.seeded.liveKey }));
  },
  async internal_error() {
    const { id } = await api.create();
    await api.db.schema.alterTable("journal").renameTo("elsewhere").execute();
    try {
      return await api.get(`/v1/transactions/${id}/events`);
    } finally {
      await api.db.schema
        .alterTable("elsewhere" as "journal")
        .renameTo("journal")
        .execute();
    }
  },
};

async function withOther<Answer>(composing: Promise<FastifyInstance>, use: (app: FastifyInstance) => Promise<Answer>) {
  const app = await composing;
  try {
    return await use(app);
  } finally {
    await app.close();
  }
}

/** Headers that a status owes its clients. */
const HEADERS: Readonly<Record<number, readonly [string, RegExp]>> = {
  401: ["www-authenticate", /^Bearer realm="phone2pay"/],
  405: ["allow", /^GET, HEAD$/],
  429: ["retry-after", /^\d+$/],
  503: ["retry-after", /^\d+$/],
};

test.each(Object.keys(PROVOKED) as ErrorCode[])("%s is answered as a problem", async (code) => {
  const answer = await PROVOKED[code]!();
  const { status, title } = ERRORS[code];
  expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
  expect(answer.json()).toMatchObject({
    type: `${BASE_URL}/docs/errors#${code}`,
    title,
    status,
    code,
    detail: expect.any(String),
    errors: expect.any(Array),
    requestId: answer.headers["x-request-id"],
  });
  expect(answer.statusCode).toBe(status);
  expect(answer.body).not.toMatch(/journal|ECONN|node_modules|select|Zod|FST_/i);
  const [header, form] = HEADERS[status] ?? [];
  if (header && form) expect(answer.headers[header]).toMatch(form);
});

test("every code that the OpenAPI document promises is provoked above, and no other", async () => {
  const document = await api.get("/openapi.json");
  const promised = new Set(
    [...document.body.matchAll(/`([a-z_]+)`: /g)].map(([, code = ""]) => code).filter((code) => code in ERRORS),
  );
  // These answer where no operation is.
  for (const code of ["route_unknown", "method_not_allowed"]) promised.add(code);
  expect([...promised].sort()).toEqual(Object.keys(PROVOKED).sort());
});

test("the page to which problems lead has an anchor for every code", async () => {
  const page = await api.get("/docs/errors");
  for (const code of Object.keys(ERRORS)) expect(page.body).toContain(`id="${code}"`);
});

test.each(["Basic abc", "Bearer", "Bearer ", "Bearer a b", `Bearer ${"x".repeat(300)}`, "p2p_live_x"])(
  "the authorization «%s» opens nothing",
  async (authorization) => {
    const answer = await api.get("/v1/numbers", { key: undefined, headers: { authorization } });
    expect(answer.statusCode).toBe(401);
  },
);

test.each([
  ["/v1/transactions/%zz", 400, "request_malformed"],
  [`/v1/transactions/${"0".repeat(500)}`, 404, "route_unknown"],
  ["/v1/", 404, "route_unknown"],
  ["/v1/transactions/", 404, "transaction_unknown"],
])("the address %s is answered as a problem, too", async (url, status, code) => {
  const answer = await api.get(url);
  expect(answer.json()).toMatchObject({ status, code });
  expect(answer.headers["content-type"]).toMatch("application/problem+json");
});

test("a senseless host doesn't break the reference", async () => {
  const answer = await api.get("/docs", { headers: { host: "[" } });
  expect(answer.statusCode).toBe(400);
});

test("a revoked key opens nothing, and a key in use shows when it was used", async () => {
  const { liveKey: key, merchantId } = await seedMerchant(api.db, { number: "0900900952" });
  expect((await api.get("/v1/numbers", { headers: { authorization: `bearer ${key}` } })).statusCode).toBe(200);
  const used = () =>
    api.db
      .selectFrom("api_keys")
      .select("last_used_at")
      .where("merchant_id", "=", merchantId)
      .where("test", "=", false)
      .executeTakeFirstOrThrow();
  while ((await used()).last_used_at === null) await new Promise((resolve) => setTimeout(resolve, 10));
  await api.db.updateTable("api_keys").set({ revoked_at: new Date() }).where("merchant_id", "=", merchantId).execute();
  expect((await api.get("/v1/numbers", { key })).json().code).toBe("api_key_invalid");
});
