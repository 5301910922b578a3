import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sql } from "kysely";
import type { Order, Transaction } from "../../core/transaction.ts";
import { snapshotOf } from "../../core/transaction-snapshot.ts";
import type { WebhookEvent } from "../../core/webhook-event.ts";
import type { OpenDatabase } from "../../db/database.ts";
import { findTransaction, readJournal } from "../../db/transactions.ts";
import { addEndpoint } from "../../db/webhook-endpoints.ts";
import { cloneDatabase } from "../support/database.ts";
import { type Seeded, seedMerchant, seedTransaction } from "../support/seed.ts";

let database: OpenDatabase;
let seeded: Seeded;

beforeAll(async () => {
  database = await cloneDatabase();
  seeded = await seedMerchant(database.db);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

/** All at once; what failed tells why. */
async function openAll(changes: readonly Partial<Order>[]) {
  const outcomes = await Promise.allSettled(changes.map((change) => seedTransaction(database.db, seeded, change)));
  const opened = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [String(outcome.reason)] : []));
  return { opened, refused };
}

async function listen(events: readonly WebhookEvent[]): Promise<void> {
  const owner = { merchantId: seeded.merchantId, test: true };
  await addEndpoint(database.db, owner, { url: "https://shop.example/", events, description: null });
}

/** What is to be told of a merchant's transactions, and to how many endpoints. */
function eventsOf(merchantId: number) {
  return database.db
    .selectFrom("webhook_events as v")
    .select(["v.transaction_id", "v.type", "v.tariff_id", "v.data"])
    .select((eb) =>
      eb
        .selectFrom("webhook_deliveries as d")
        .select((count) => count.fn.countAll<number>().as("deliveries"))
        .whereRef("d.event_sequence", "=", "v.sequence")
        .as("deliveries"),
    )
    .where("v.merchant_id", "=", merchantId)
    .execute();
}

/** In how many database transactions these rows were written. */
async function commitsOf(transactions: readonly Transaction[]): Promise<number> {
  const { rows } = await sql<{ commits: number }>`
    select count(distinct xmin::text)::int as commits from transactions
    where id in (${sql.join(transactions.map(({ id }) => id))})`.execute(database.db);
  return rows[0]?.commits ?? 0;
}

test("what is opened at the same time shares its commits, and each is as it was ordered, in the database as in the answer", async () => {
  const orders = Array.from({ length: 60 }, (_, place) => ({
    amountRappen: 100 + place,
    reference: `order-${place}`,
    metadata: { place: String(place), "à la": "« carte »" },
    items: [{ description: `piece ${place}`, quantity: 1, amountRappen: 100 + place }],
    cancelUrl: place % 2 ? "https://shop.example/cancel" : null,
    language: null,
  }));
  const { opened, refused } = await openAll(orders);
  expect(refused).toEqual([]);
  expect(await commitsOf(opened)).toBeLessThan(10);
  for (const [place, transaction] of opened.entries()) {
    expect(transaction).toMatchObject(orders[place] ?? {});
    expect(await findTransaction(database.db, transaction.id)).toEqual(transaction);
    expect(await readJournal(database.db, transaction.id)).toMatchObject([
      { event: "transaction.created", data: { amountRappen: 100 + place } },
    ]);
  }
});

test("what the database refuses takes nobody along who was opened at the same time", async () => {
  const good = Array.from({ length: 20 }, () => ({}));
  const { opened, refused } = await openAll([...good, { autoConfirmSeconds: -1 }, { description: "a\0b" }, ...good]);
  expect(opened).toHaveLength(40);
  expect(refused).toEqual([expect.stringMatching(/check constraint/), expect.stringMatching(/Unicode/)]);
});

test("of those opened at the same time with one reference, one has it", async () => {
  const { opened, refused } = await openAll(Array.from({ length: 20 }, () => ({ reference: "the only one" })));
  expect(opened).toHaveLength(1);
  expect(refused).toEqual(Array.from({ length: 19 }, () => "Error: reference_in_use"));
});

test("who waits for a reference that another opening is about to take keeps nobody else waiting", async () => {
  const release = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const holder = database.db.transaction().execute(async (trx) => {
    await seedTransaction(trx, seeded, { reference: "held" });
    held.resolve();
    await release.promise;
  });
  await held.promise;
  const waiting = openAll([{ reference: "held" }, {}, {}, { reference: "held" }]);
  const strangers = await openAll(Array.from({ length: 10 }, (_, place) => ({ reference: `stranger-${place}` })));
  expect(strangers.opened).toHaveLength(10);
  release.resolve();
  await holder;
  const { opened, refused } = await waiting;
  expect(opened).toHaveLength(2);
  expect(refused).toEqual(Array.from({ length: 2 }, () => "Error: reference_in_use"));
});

test("where somebody listens, each is told what it is, in the words of its merchant; where nobody does, nothing is written", async () => {
  const owner = { merchantId: seeded.merchantId, test: true };
  await openAll([{ test: true }]);
  await listen(["transaction.paid"]);
  await openAll([{ test: true }]);
  expect(await eventsOf(owner.merchantId)).toEqual([]);
  await listen([]);
  const tricky = { description: '"createdAt":null, "expiresAt":null', metadata: { createdAt: "null" } };
  const { opened } = await openAll([{ test: true, ...tricky }, { test: true, reference: "told" }, { test: false }]);
  const told = opened.filter((transaction) => transaction.test);
  const events = await eventsOf(owner.merchantId);
  expect(events).toHaveLength(2);
  for (const transaction of told) {
    const event = events.find(({ transaction_id }) => transaction_id === transaction.id.toLowerCase());
    expect(event).toMatchObject({ type: "transaction.created", deliveries: 1, tariff_id: transaction.tariffId });
    expect(JSON.stringify(event?.data)).toBe(JSON.stringify(snapshotOf(transaction)));
  }
});

test("what can't be told isn't opened", async () => {
  await listen([]);
  await sql`alter table webhook_deliveries add constraint full_up check (false) not valid`.execute(database.db);
  const { opened, refused } = await openAll([{ test: true, reference: "untold" }, { test: false }]);
  await sql`alter table webhook_deliveries drop constraint full_up`.execute(database.db);
  expect(opened).toHaveLength(1);
  expect(refused).toEqual([expect.stringContaining("full_up")]);
  expect((await openAll([{ test: true, reference: "untold" }])).opened).toHaveLength(1);
});

test("opening is prepared: a connection's server reads the statement once, however often it runs", async () => {
  const runs = await database.db.connection().execute(async (connection) => {
    for (let opening = 0; opening < 8; opening++) await seedTransaction(connection, seeded);
    const { rows } = await sql<{ runs: number }>`
      select (generic_plans + custom_plans)::int as runs from pg_prepared_statements
      where statement like '%insert into transactions%' and statement not like '%webhook_deliveries%'`.execute(
      connection,
    );
    return rows;
  });
  expect(runs).toEqual([{ runs: expect.any(Number) }]);
  expect(runs[0]?.runs).toBeGreaterThanOrEqual(8);
});
