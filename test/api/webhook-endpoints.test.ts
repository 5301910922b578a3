import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sql } from "kysely";
import { webhookReach } from "../../api/webhook-target.ts";
import { keepUpWebhooks, WEBHOOK_RETENTION_DAYS } from "../../db/webhook-upkeep.ts";
import { commandsOf, readGuide, runCommands } from "../support/guide.ts";
import { seedMerchant, seedTransaction } from "../support/seed.ts";
import { WEBHOOKS } from "../support/webhooks.ts";
import { ApiUnderTest, type Method } from "./api-app.ts";

const ROOT = "/v1/webhook-endpoints";
const HOOK_URL = "https://shop.example/webhooks";
let api: ApiUnderTest;

beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const make = async (wish: Readonly<Record<string, unknown>> = {}, key = api.seeded.liveKey) =>
  (await api.post(ROOT, { url: HOOK_URL, ...wish }, { key })).json();
const remove = (id: string, key = api.seeded.liveKey) => api.ask("DELETE", `${ROOT}/${id}`, { key });

test("an endpoint is added, read, listed, changed and deleted; its secret is shown once", async () => {
  const made = await api.post(ROOT, { url: HOOK_URL, events: ["transaction.paid"], description: "Books" });
  expect(made.statusCode).toBe(201);
  const { secret, ...endpoint } = made.json();
  expect(made.headers.location).toBe(`http://pay.test${ROOT}/${endpoint.id}`);
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(endpoint).toMatchObject({ url: HOOK_URL, events: ["transaction.paid"], description: "Books", test: false });
  const path = `${ROOT}/${endpoint.id}`;
  expect((await api.get(path)).json()).toEqual(endpoint);
  expect((await api.get(ROOT)).json()).toEqual({ data: [endpoint] });
  const changes = { events: [], description: null, disabled: true };
  const changed = (await api.ask("PATCH", path, { body: changes })).json();
  expect(changed).toMatchObject({ url: HOOK_URL, events: [], description: null, disabledReason: "merchant" });
  expect((await api.ask("PATCH", path, { body: {} })).json()).toEqual(changed);
  const moved = { url: `${HOOK_URL}/new`, disabled: false };
  const again = (await api.ask("PATCH", path, { body: moved })).json();
  expect(again).toMatchObject({ url: moved.url, failingSince: null, disabledAt: null, disabledReason: null });
  const deleted = await api.ask("DELETE", path);
  expect([deleted.statusCode, deleted.body]).toEqual([204, ""]);
  for (const method of ["GET", "PATCH", "DELETE"] as const)
    expect((await api.ask(method, path, method === "PATCH" ? { body: {} } : {})).json().code).toBe(
      "webhook_endpoint_unknown",
    );
  expect((await api.get(ROOT)).json()).toEqual({ data: [] });
});

test("no secret is in the database", async () => {
  const { id, secret } = await make();
  const { rows } = await sql<{ line: string }>`select e::text as line from webhook_endpoints e`.execute(api.db);
  const lines = rows.map(({ line }) => line).join("\n");
  expect(lines).toContain(id);
  for (const form of ["base64", "hex"] as const)
    expect(lines).not.toContain(Buffer.from(secret.slice("whsec_".length), "base64").toString(form));
  await remove(id);
});

test("a merchant has ten endpoints in each mode, also when all are added at once", async () => {
  const { liveKey, testKey } = await seedMerchant(api.db, { number: "0900900961" });
  const added = await Promise.all(
    Array.from({ length: 14 }, () => api.post(ROOT, { url: HOOK_URL }, { key: liveKey })),
  );
  expect(Map.groupBy(added, ({ statusCode }) => statusCode).get(201)).toHaveLength(10);
  expect(added.find(({ statusCode }) => statusCode === 409)?.json().code).toBe("webhook_endpoints_exhausted");
  expect((await make({}, testKey)).test).toBe(true);
  const one = added.find(({ statusCode }) => statusCode === 201)?.json();
  await remove(one.id, liveKey);
  expect((await api.post(ROOT, { url: HOOK_URL }, { key: liveKey })).statusCode).toBe(201);
});

test("another merchant's endpoints, and the other mode's, are as unknown as those that never were", async () => {
  const other = await seedMerchant(api.db, { number: "0900900962" });
  const { id } = await make();
  await api.create();
  const delivery = (await api.get(`${ROOT}/${id}/deliveries`)).json().data[0].id;
  const theirs = await make({}, other.liveKey);
  const asks: readonly (readonly [Method, string, string])[] = [
    ["GET", id, ""],
    ["PATCH", id, ""],
    ["DELETE", id, ""],
    ["POST", id, "/rotate-secret"],
    ["POST", id, "/test"],
    ["GET", id, "/deliveries"],
    ["GET", id, `/deliveries/${delivery}`],
    ["POST", id, `/deliveries/${delivery}/redeliver`],
  ];
  for (const key of [other.liveKey, api.seeded.testKey]) {
    for (const [method, endpoint, rest] of asks) {
      const asked = { key, ...(method === "PATCH" ? { body: { disabled: true } } : {}) };
      const answer = await api.ask(method, `${ROOT}/${endpoint}${rest}`, asked);
      expect([method, rest, answer.json().code]).toEqual([method, rest, "webhook_endpoint_unknown"]);
    }
  }
  // Nor does an endpoint of one's own open the delivery of another.
  for (const [method, rest] of [
    ["GET", ""],
    ["POST", "/redeliver"],
  ] as const) {
    const answer = await api.ask(method, `${ROOT}/${theirs.id}/deliveries/${delivery}${rest}`, { key: other.liveKey });
    expect(answer.json().code).toBe("webhook_delivery_unknown");
  }
  for (const odd of ["0", "-1", "x", "1.5", "9".repeat(99), "%00"])
    expect((await api.get(`${ROOT}/${id}/deliveries/${odd}`)).statusCode).toBe(404);
  expect((await api.get(`${ROOT}/${id}`)).json().disabledAt).toBeNull();
  await remove(id);
});

test("deliveries come newest first, page by page, and can be filtered by what came of them", async () => {
  const { id } = await make({ events: ["transaction.created"] });
  const expected: string[] = [];
  for (let i = 0; i < 7; i++) expected.unshift((await seedTransaction(api.db, api.seeded)).id);
  for (const limit of [1, 3, 7, 8]) {
    const seen: string[] = [];
    for (let after = "", more = true; more; ) {
      const page = (await api.get(`${ROOT}/${id}/deliveries?limit=${limit}&status=pending${after}`)).json();
      seen.push(...page.data.map(({ transaction }: { transaction: string }) => transaction));
      more = page.hasMore;
      after = `&startingAfter=${page.data.at(-1)?.id}`;
    }
    expect(seen).toEqual(expected);
  }
  expect((await api.get(`${ROOT}/${id}/deliveries?status=failed`)).json()).toEqual({ data: [], hasMore: false });
  await remove(id);
});

test.each(["limit=0", "limit=101", "status=done", "startingAfter=x", "startingAfter=", "other=1"])(
  "a list of deliveries refuses ?%s",
  async (query) => {
    const { id } = await make();
    expect((await api.get(`${ROOT}/${id}/deliveries?${query}`)).json()).toMatchObject({ code: "field_invalid" });
    await remove(id);
  },
);

test.each([
  { url: HOOK_URL, events: ["transaction.unknown"] },
  { url: HOOK_URL, events: ["endpoint.test"] },
  { url: HOOK_URL, events: "transaction.paid" },
  { url: HOOK_URL, description: "two\nlines" },
  { url: HOOK_URL, secret: "whsec_mine" },
])("an endpoint isn't made of %j", async (wish) => {
  expect((await api.post(ROOT, wish)).json().code).toBe("field_invalid");
});

test("what waits for a disabled endpoint is dropped; what is old is forgotten, and a deleted endpoint with it", async () => {
  const merchant = await seedMerchant(api.db, { number: "0900900963" });
  const { id } = await make({}, merchant.liveKey);
  await seedTransaction(api.db, merchant);
  await keepUpWebhooks(api.db);
  const statuses = async () =>
    (await api.db.selectFrom("webhook_deliveries").select("status").where("endpoint_id", "=", id).execute()).map(
      ({ status }) => status,
    );
  const age = (days: number) =>
    api.db
      .updateTable("webhook_events")
      .set({ created_at: new Date(Date.now() - days * 86_400_000) })
      .where("merchant_id", "=", merchant.merchantId)
      .execute();
  await age(WEBHOOK_RETENTION_DAYS + 1);
  await keepUpWebhooks(api.db);
  expect(await statuses()).toEqual(["pending"]); // however old it is, nobody has had it yet
  await age(WEBHOOK_RETENTION_DAYS - 1);
  await remove(id, merchant.liveKey);
  await keepUpWebhooks(api.db);
  expect(await statuses()).toEqual(["dropped"]);
  await age(WEBHOOK_RETENTION_DAYS + 1);
  await api.db
    .updateTable("webhook_endpoints")
    .set({ removed_at: new Date(Date.now() - (WEBHOOK_RETENTION_DAYS + 1) * 86_400_000) })
    .where("id", "=", id)
    .execute();
  await keepUpWebhooks(api.db);
  expect(await statuses()).toEqual([]);
  expect(await api.db.selectFrom("webhook_endpoints").where("id", "=", id).select("id").execute()).toEqual([]);
});

test("the commands of the guide's chapter on webhooks work as they stand, one after the other", async () => {
  // Without a name server: the receiver is the server itself.
  await using near = await ApiUnderTest.start({
    webhooks: { key: WEBHOOKS.key, reach: webhookReach({ privateAddresses: true }) },
  });
  const base = await near.app.listen({ port: 0, host: "127.0.0.1" });
  const chapter = /\n## Webhooks\n[\s\S]*?(?=\n## )/.exec(await readGuide())?.[0] ?? "";
  const commands = commandsOf(chapter).replace("https://shop.example", base);
  expect(commands.split("curl ")).toHaveLength(8);
  const known = { BASE: base, KEY: near.seeded.liveKey };
  const printed = await runCommands(`${commands}\nprintf "\\n%s" "$ENDPOINT $DELIVERY"`, known);
  const [endpoint = "", delivery = ""] = printed.trim().split("\n").at(-1)?.split(" ") ?? [];
  expect((await near.get(`${ROOT}/${endpoint}/deliveries/${delivery}`)).statusCode).toBe(200);
});
