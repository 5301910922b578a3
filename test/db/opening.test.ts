import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sql } from "kysely";
import type { Order, Transaction } from "../../core/transaction.ts";
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

test("where somebody listens, each is told; where nobody does, nothing is written for nobody", async () => {
  const deaf = await openAll([{}, {}, {}]);
  const owner = { merchantId: seeded.merchantId, test: true };
  await addEndpoint(database.db, owner, { url: "https://shop.example/", events: [], description: null });
  const heard = await openAll([{ test: true }, { test: true }, { test: false }]);
  const events = await database.db.selectFrom("webhook_events").select(["transaction_id", "type"]).execute();
  const told = heard.opened.filter((transaction) => transaction.test).map(({ id }) => id.toLowerCase());
  expect(deaf.opened).toHaveLength(3);
  expect(events).toHaveLength(told.length);
  expect(new Set(events.map((event) => event.transaction_id))).toEqual(new Set(told));
  expect(new Set(events.map((event) => event.type))).toEqual(new Set(["transaction.created"]));
});

test("opening is prepared: a connection's server reads the statement once, however often it runs", async () => {
  const runs = await database.db.connection().execute(async (connection) => {
    for (let opening = 0; opening < 8; opening++) await seedTransaction(connection, seeded);
    const { rows } = await sql<{ runs: number }>`
      select (generic_plans + custom_plans)::int as runs from pg_prepared_statements
      where statement like '%insert into transactions%'`.execute(connection);
    return rows;
  });
  expect(runs).toEqual([{ runs: expect.any(Number) }]);
  expect(runs[0]?.runs).toBeGreaterThanOrEqual(8);
});
