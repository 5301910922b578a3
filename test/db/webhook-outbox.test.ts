import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { pulsesOf } from "../../core/tariff.ts";
import { cancel, confirm, expire, redeem, resume } from "../../core/transitions.ts";
import type { WebhookEvent } from "../../core/webhook-event.ts";
import { bookPulses } from "../../db/pulses.ts";
import { changeTransaction, changeWithin, readJournal } from "../../db/transactions.ts";
import { addEndpoint, changeEndpoint, type Endpoint, removeEndpoint } from "../../db/webhook-endpoints.ts";
import { PULSED_EVERY_SECONDS } from "../../db/webhook-outbox.ts";
import { ApiUnderTest } from "../api/api-app.ts";
import { seedMerchant, seedTransaction } from "../support/seed.ts";

let api: ApiUnderTest;

beforeAll(async () => {
  api = await ApiUnderTest.start();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});
afterEach(async () => {
  await api.db.deleteFrom("webhook_events").execute();
  await api.db.deleteFrom("webhook_endpoints").execute();
});

const owner = (test = false) => ({ merchantId: api.seeded.merchantId, test });

async function listen(events: readonly WebhookEvent[] = [], test = false): Promise<Endpoint> {
  const wish = { url: "https://shop.example/", events, description: null };
  const added = await addEndpoint(api.db, owner(test), wish);
  if (!added) throw new Error("no place");
  return added;
}

/** What an endpoint is to be told, oldest first. */
async function toldTo({ id }: Endpoint) {
  return api.db
    .selectFrom("webhook_deliveries as d")
    .innerJoin("webhook_events as v", "v.sequence", "d.event_sequence")
    .select(["v.type", "v.data", "v.sequence", "d.status"])
    .where("d.endpoint_id", "=", id)
    .orderBy("v.sequence")
    .execute();
}
const typesTo = async (endpoint: Endpoint) => (await toldTo(endpoint)).map(({ type }) => type);
const count = async () => (await api.db.selectFrom("webhook_events").select("sequence").execute()).length;

test("every line of the journal is told, in its order and with the state it led to", async () => {
  const endpoint = await listen();
  const { id } = await api.create({ reference: "order-1", metadata: { a: "b" } });
  await api.runOut(id);
  await changeTransaction(api.db, id, expire);
  await changeTransaction(api.db, id, resume);
  await api.pay(id);
  await changeTransaction(api.db, id, confirm("shopper"));
  await changeTransaction(api.db, id, redeem("live"));
  const journal = (await readJournal(api.db, id)).map(({ event }) => event);
  expect(journal).toHaveLength(7);
  const told = await toldTo(endpoint);
  expect(told.map(({ type }) => type)).toEqual(journal);
  expect(told.map(({ data }) => (data as { status: string }).status)).toEqual([
    "open",
    "expired",
    "open",
    "calling",
    "paid",
    "confirmed",
    "redeemed",
  ]);
  const { calls: _calls, code: _code, ...others } = (await api.get(`/v1/transactions/${id}`)).json();
  const { accessCode: _accessCode, renewedBy: _renewedBy, ...now } = others;
  const { id: delivery } = (await api.get(`/v1/webhook-endpoints/${endpoint.id}/deliveries`)).json().data[0];
  const inFull = (await api.get(`/v1/webhook-endpoints/${endpoint.id}/deliveries/${delivery}`)).json();
  expect(inFull.event).toMatchObject({ type: "transaction.redeemed", data: now });
  expect(Object.keys(inFull.event.data).sort()).toEqual(Object.keys(now).sort());
});

test("an event is written if and only if the change is", async () => {
  const endpoint = await listen();
  const { id } = await api.create();
  // Refused, nothing to change, and rolled back.
  expect(await changeTransaction(api.db, id, redeem("test"))).toMatchObject({ refusal: "transaction_not_paid" });
  expect(await changeTransaction(api.db, id, expire)).toMatchObject({ refusal: null });
  const lost = api.db.transaction().execute(async (trx) => {
    expect(await changeWithin(trx, id, cancel("merchant"))).toMatchObject({ transaction: { status: "cancelled" } });
    throw new Error("the power fails");
  });
  await expect(lost).rejects.toThrow("the power fails");
  expect(await typesTo(endpoint)).toEqual(["transaction.created"]);
  await changeTransaction(api.db, id, cancel("merchant"));
  expect(await typesTo(endpoint)).toEqual(["transaction.created", "transaction.cancelled"]);
});

test("fifty redeems at once are told as one", async () => {
  const { id } = await api.create();
  await api.pay(id);
  const endpoint = await listen();
  await Promise.all(Array.from({ length: 50 }, () => changeTransaction(api.db, id, redeem("test"))));
  expect(await typesTo(endpoint)).toEqual(["transaction.redeemed"]);
});

test("nothing is written where nobody listens: none of this merchant, this mode and this type, or none that is enabled", async () => {
  const other = await seedMerchant(api.db, { number: "0900900971" });
  await addEndpoint(
    api.db,
    { merchantId: other.merchantId, test: false },
    { url: "https://other.example/", events: [], description: null },
  );
  await listen([], true);
  await listen(["transaction.paid"]);
  const disabled = await listen();
  await changeEndpoint(api.db, owner(), disabled.id, { disabled: true });
  const removed = await listen();
  await removeEndpoint(api.db, owner(), removed.id);
  await seedTransaction(api.db, api.seeded);
  expect(await count()).toBe(0);
  await seedTransaction(api.db, api.seeded, { test: true });
  expect(await count()).toBe(1);
});

test("the database refuses to tell one mode, or one merchant, of another", async () => {
  const live = await listen();
  const inTest = await listen([], true);
  await seedTransaction(api.db, api.seeded);
  const [event] = await toldTo(live);
  const mixed = { event_sequence: event!.sequence, endpoint_id: inTest.id, merchant_id: api.seeded.merchantId };
  for (const test of [false, true])
    await expect(
      api.db
        .insertInto("webhook_deliveries")
        .values({ ...mixed, test })
        .execute(),
    ).rejects.toThrow("foreign key");
});

test("pulses are told to those who asked for them, at most once in five seconds, and the one that pays as paid", async () => {
  const all = await listen();
  const asking = await listen(["transaction.pulsed", "transaction.paid"]);
  const { id } = await api.create();
  await api.call(id);
  const leg = await api.db
    .selectFrom("call_legs")
    .select(["id", "epoch"])
    .where("transaction_id", "=", id)
    .executeTakeFirstOrThrow();
  const pulses = pulsesOf(api.seeded.segments).slice(0, 10);
  const book = (sequence: number) =>
    bookPulses(api.db, [{ leg: leg.id, epoch: leg.epoch, pulses: pulses.slice(sequence - 1, sequence) }]);
  for (const sequence of [1, 2, 3]) await book(sequence);
  await api.db
    .updateTable("webhook_events")
    .set({ created_at: new Date(Date.now() - (PULSED_EVERY_SECONDS + 1) * 1_000) })
    .execute();
  for (const sequence of [4, 5]) await book(sequence);
  await bookPulses(api.db, [{ leg: leg.id, epoch: leg.epoch, pulses: pulses.slice(5) }]);
  const told = (await toldTo(asking)).map(({ type, data }) => [type, (data as { billed: number }).billed]);
  expect(told).toEqual([
    ["transaction.pulsed", 10],
    ["transaction.pulsed", 40],
    ["transaction.paid", 100],
  ]);
  expect(await typesTo(all)).toEqual(["transaction.created", "transaction.call_started", "transaction.paid"]);
});
