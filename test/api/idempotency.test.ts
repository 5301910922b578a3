import { afterAll, beforeAll, expect, test } from "@jest/globals";
import Fastify from "fastify";
import { sql } from "kysely";
import { merchantApi } from "../../api/routes.ts";
import { POOL_CONNECTIONS_MAX } from "../../db/database.ts";
import { ANSWERS_KEPT_HOURS, forgetAnswers } from "../../db/idempotent-answers.ts";
import { seedMerchant } from "../support/seed.ts";
import { ApiUnderTest, ask, BASE_URL, ORDER, PUBLIC_WEBHOOKS } from "./api-app.ts";

let api: ApiUnderTest;
let keys = 0;

beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const newKey = () => `key-${++keys}`;
const named = (key: string) => ({ headers: { "idempotency-key": key } });
const create = (key: string, changes: Readonly<Record<string, unknown>> = {}) =>
  api.post("/v1/transactions", { ...ORDER, ...changes }, named(key));

const item = (description: string) => ({ description, quantity: 1, amount: 100 });

async function count(): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from transactions`.execute(api.db);
  return rows[0]?.n ?? 0;
}

test("a request repeated under its key is done once, and answered again word for word", async () => {
  const key = newKey();
  const first = await create(key);
  const before = await count();
  const again = await create(key);
  expect([first.statusCode, again.statusCode]).toEqual([201, 201]);
  expect([first.headers["idempotent-replayed"], again.headers["idempotent-replayed"]]).toEqual([undefined, "true"]);
  expect(again.body).toBe(first.body);
  expect(again.headers.location).toBe(first.headers.location);
  expect(await count()).toBe(before);
});

test("the first answer stays what it was, whatever has become of the transaction", async () => {
  const key = newKey();
  const first = await create(key);
  await api.pay(first.json().id);
  expect((await create(key)).json()).toMatchObject({ id: first.json().id, status: "open" });
});

test("of fifty requests with one key at the same moment one opens a transaction, and the others tell of it or wait", async () => {
  const key = newKey();
  const before = await count();
  const answers = await Promise.all(Array.from({ length: 50 }, () => create(key)));
  expect(await count()).toBe(before + 1);
  const opened = answers.filter(({ statusCode }) => statusCode === 201);
  expect(new Set(opened.map((answer) => answer.json().id)).size).toBe(1);
  expect(opened.filter(({ headers }) => headers["idempotent-replayed"] === undefined)).toHaveLength(1);
  for (const answer of answers)
    if (answer.statusCode !== 201)
      expect([answer.statusCode, answer.json().code]).toEqual([409, "idempotency_key_in_use"]);
});

test("more requests at once, each with a key of its own, than there are connections are all done", async () => {
  const answers = await Promise.all(Array.from({ length: 3 * POOL_CONNECTIONS_MAX }, () => create(newKey())));
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(answers.map(() => 201));
});

test("who was told to wait gets the first answer by asking again", async () => {
  const key = newKey();
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (;;) {
        const answer = await create(key);
        if (answer.statusCode !== 409) return answer;
      }
    }),
  );
  expect(new Set(answers.map((answer) => answer.json().id)).size).toBe(1);
});

test("a process that dies between the commit and the answer has done it once: the repetition is told", async () => {
  const app = Fastify({ forceCloseConnections: true });
  let dies = true;
  app.addHook("onSend", async (request) => {
    if (dies) request.raw.socket.destroy();
  });
  await app.register(merchantApi, { db: api.db, baseUrl: BASE_URL, webhooks: PUBLIC_WEBHOOKS });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  try {
    const send = () =>
      fetch(`${url}/v1/transactions`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${api.seeded.liveKey}`,
          "content-type": "application/json",
          "idempotency-key": "died",
        },
        body: JSON.stringify(ORDER),
      });
    const before = await count();
    await expect(send()).rejects.toThrow();
    dies = false;
    const again = await send();
    expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([201, "true"]);
    expect(await count()).toBe(before + 1);
  } finally {
    await app.close();
  }
});

test("a request that is lost before the commit has done nothing, and is done by its repetition", async () => {
  const key = newKey();
  const before = await count();
  // A row that the request has to write is held, so that its connection can be cut in the middle.
  const held = Promise.withResolvers<void>();
  const holding = api.db.transaction().execute(async (trx) => {
    await sql`lock table journal in access exclusive mode`.execute(trx);
    const request = create(key);
    for (;;) {
      const { rows } = await sql<{ pid: number }>`select pid from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(trx);
      if (rows[0]) {
        await sql`select pg_terminate_backend(${rows[0].pid})`.execute(trx);
        break;
      }
    }
    held.resolve();
    return request;
  });
  await held.promise;
  expect((await holding).statusCode).toBeGreaterThanOrEqual(500);
  expect(await count()).toBe(before);
  const again = await create(key);
  expect([again.statusCode, again.headers["idempotent-replayed"]]).toEqual([201, undefined]);
});

test("a key with another body is refused, and what is the same body doesn't depend on how it is written", async () => {
  const key = newKey();
  const first = await create(key);
  const other = await create(key, { amount: 110 });
  expect([other.statusCode, other.json().code]).toEqual([422, "idempotency_key_reused"]);
  const { amount, ...rest } = ORDER;
  const turned = await api.post(
    "/v1/transactions",
    `{ ${JSON.stringify(rest).slice(1, -1)},\n "amount": ${amount}.0 }`,
    {
      ...named(key),
    },
  );
  expect(turned.json().id).toBe(first.json().id);
});

test.each([
  ["metadata in another order", { metadata: { a: "1", b: "2", 10: "3" } }, { metadata: { b: "2", 10: "3", a: "1" } }],
  ["null beside absent", { reference: null, metadata: null, items: null }, {}],
  [
    "items whose members are in another order",
    { items: [{ description: "A", quantity: 1, amount: ORDER.amount }] },
    { items: [{ amount: ORDER.amount, quantity: 1, description: "A" }] },
  ],
  [
    "null inside of an object",
    { donation: { minimum: 100, maximum: 500, suggestions: null } },
    { donation: { maximum: 500, minimum: 100 } },
  ],
])("%s is the same body", async (_what, one, other) => {
  const key = newKey();
  const first = await create(key, one);
  const again = await create(key, other);
  expect([first.statusCode, again.statusCode, again.headers["idempotent-replayed"]]).toEqual([201, 201, "true"]);
  expect(again.json().id).toBe(first.json().id);
});

test.each([
  ["metadata with values exchanged", { metadata: { a: "1", b: "2" } }, { metadata: { a: "2", b: "1" } }],
  ["items in another order", { items: [item("A"), item("B")] }, { items: [item("B"), item("A")] }],
  ["a text that says null", { reference: "null" }, {}],
])("%s is another body", async (_what, one, other) => {
  const key = newKey();
  const ordered = { amount: 200 };
  expect((await create(key, { ...ordered, ...one })).statusCode).toBe(201);
  expect((await create(key, { ...ordered, ...other })).json().code).toBe("idempotency_key_reused");
});

test.each(["redeem", "cancel"])("a %s is the same request however its id is spelled", async (verb) => {
  const { id } = await api.create();
  if (verb === "redeem") await api.pay(id);
  const key = newKey();
  const ask = (spelled: string) => api.post(`/v1/transactions/${spelled}/${verb}`, undefined, named(key));
  const first = await ask(id);
  expect([first.statusCode, first.headers["idempotent-replayed"]]).toEqual([200, undefined]);
  const hex = id.charCodeAt(0).toString(16);
  for (const spelled of [id.toLowerCase(), id.replaceAll("-", ""), `%${hex}${id.slice(1)}`]) {
    const again = await ask(spelled);
    expect([again.statusCode, again.headers["idempotent-replayed"]]).toEqual([200, "true"]);
    expect(again.json()).toEqual(first.json());
  }
  const { id: otherId } = await api.create();
  if (verb === "redeem") await api.pay(otherId);
  const other = await ask(otherId);
  expect([other.json().id, other.headers["idempotent-replayed"]]).toEqual([otherId, undefined]);
});

test("what was refused isn't kept: mended, the request is done under the same key", async () => {
  const key = newKey();
  expect((await create(key, { number: "0901 999 999" })).json().code).toBe("number_unknown");
  expect((await create(key)).statusCode).toBe(201);
});

test("keys of other merchants, modes and requests are other keys", async () => {
  const key = newKey();
  const stranger = await seedMerchant(api.db, { number: "0901000077" });
  const ids = [
    (await create(key)).json().id,
    (await ask(api.app, "POST", "/v1/transactions", { key: stranger.liveKey, body: ORDER, ...named(key) })).json().id,
    (await ask(api.app, "POST", "/v1/transactions", { key: api.seeded.testKey, body: ORDER, ...named(key) })).json().id,
  ];
  expect(new Set(ids).size).toBe(3);
  const cancelled = await api.post(`/v1/transactions/${ids[0]}/cancel`, undefined, named(key));
  expect(cancelled.json()).toMatchObject({ id: ids[0], status: "cancelled" });
});

test("a redeem whose answer was lost is answered again as the first one, and not as a second", async () => {
  const { id } = await api.create();
  await api.pay(id);
  const redeem = (key: string) => api.post(`/v1/transactions/${id}/redeem`, undefined, named(key));
  const first = await redeem("redeem-once");
  const again = await redeem("redeem-once");
  expect([first.statusCode, again.statusCode]).toEqual([200, 200]);
  expect(again.json()).toEqual(first.json());
  expect((await redeem("redeem-twice")).json().code).toBe("transaction_already_redeemed");
});

test.each(["", " ", "a b", "é", "x".repeat(256)])("%j is no key", async (key) => {
  const answer = await create(key);
  expect([answer.statusCode, answer.json().code]).toEqual([422, "idempotency_key_invalid"]);
});

test("after a day an answer is forgotten, whether or not its row is still there", async () => {
  const key = newKey();
  const first = await create(key);
  await sql`update idempotent_answers set created_at = now() - make_interval(hours => ${ANSWERS_KEPT_HOURS})
    where key = ${key}`.execute(api.db);
  const later = await create(key);
  expect(later.json().id).not.toBe(first.json().id);
  expect((await create(key)).json().id).toBe(later.json().id);
  await sql`update idempotent_answers set created_at = now() - make_interval(hours => ${ANSWERS_KEPT_HOURS}, secs => 1)
    where key = ${key}`.execute(api.db);
  expect(await forgetAnswers(api.db, 100)).toBe(1);
  expect(await forgetAnswers(api.db, 100)).toBe(0);
});
