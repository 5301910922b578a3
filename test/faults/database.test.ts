import { afterAll, expect, test } from "@jest/globals";
import pg from "pg";
import { watchTransactions } from "../../db/notices.ts";
import { eventually } from "../support/eventually.ts";
import { ALL_FAULTS, callThrough, expectBooksRight } from "./callers.ts";
import { delay } from "./delay.ts";
import { openFaultExchange } from "./fault-exchange.ts";

const faults = await openFaultExchange({ firstPort: 11_000 });
const { exchange, database, voices } = faults;
afterAll(async () => {
  await faults[Symbol.asyncDispose]();
});

const FAULT_TIMEOUT_MS = 300_000;
/** All callers have keyed their codes by then, and nobody has paid to the end. */
const ALL_PAYING_MS = 14_000;
const OUTAGE_MS = ALL_FAULTS ? 60_000 : 20_000;

test(
  "PostgreSQL is restarted in mid-call",
  async () => {
    const calling = callThrough(exchange);
    await delay(ALL_PAYING_MS);
    await database.stop();
    await database.start();
    await expectBooksRight(exchange, await calling);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "PostgreSQL is away while calls end: each ends on time, is booked when it is back, and nothing is said to be paid before",
  async () => {
    const calling = callThrough(exchange);
    await delay(ALL_PAYING_MS);
    await database.stop();
    await delay(OUTAGE_MS);
    await database.start();
    await expectBooksRight(exchange, await calling);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "PostgreSQL freezes without closing a connection",
  async () => {
    const calling = callThrough(exchange);
    await delay(ALL_PAYING_MS);
    database.freeze();
    await delay(OUTAGE_MS);
    database.thaw();
    await expectBooksRight(exchange, await calling);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "PostgreSQL is away, callers hang up, and the voice servers that know it are killed before it is back",
  async () => {
    const calling = callThrough(exchange);
    await delay(ALL_PAYING_MS);
    await database.stop();
    await delay(4_000);
    await Promise.all(voices.map((voice) => voice.kill()));
    await delay(1_000);
    await Promise.all(voices.map((voice) => voice.start()));
    await delay(2_000);
    await database.start();
    await expectBooksRight(exchange, await calling);
  },
  FAULT_TIMEOUT_MS,
);

test(
  "notices are lost again and again: a watcher is told of the gap each time, and every call pays all the same",
  async () => {
    await using watch = await watchTransactions(exchange.databaseUrl);
    let gaps = 0;
    watch.onGap(() => gaps++);
    const calling = callThrough(exchange);
    const client = new pg.Client(exchange.databaseUrl);
    await client.connect();
    for (let times = 1; times <= 10; times++) {
      await client.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'phone2pay-notices'",
      );
      await eventually(async () => gaps >= times);
      await delay(1_000);
    }
    await client.end();
    await expectBooksRight(exchange, await calling);
    expect(gaps).toBeGreaterThanOrEqual(10);
  },
  FAULT_TIMEOUT_MS,
);
