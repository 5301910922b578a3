import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { sql } from "kysely";
import { pulsesDue, pulsesOf } from "../../core/tariff.ts";
import { isPaid } from "../../core/transaction.ts";
import { cancel, confirm, expire, redeem, resume, type Transition } from "../../core/transitions.ts";
import { endLeg } from "../../db/call-legs.ts";
import { claimCode, issueCode } from "../../db/codes.ts";
import type { OpenDatabase } from "../../db/database.ts";
import { bookPulses } from "../../db/pulses.ts";
import { changeTransaction, findTransaction, readJournal } from "../../db/transactions.ts";
import { cloneDatabase } from "../support/database.ts";
import { type Seeded, seedAnsweredLeg, seedMerchant, seedTransaction, TEN_RAPPEN_A_SECOND } from "../support/seed.ts";

let database: OpenDatabase;
let seeded: Seeded;

beforeAll(async () => {
  database = await cloneDatabase();
  seeded = await seedMerchant(database.db, { segments: TEN_RAPPEN_A_SECOND });
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

/** What shoppers, callers, merchants and the clock do, in any order, with calls that end after any number of seconds. */
type Step =
  | { readonly does: "call"; readonly seconds: number; readonly bookTwice: boolean }
  | { readonly does: "confirm" | "redeem" | "cancel" | "resume" | "expire" | "time passes" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant("call" as const),
      seconds: fc.integer({ min: 0, max: 14 }),
      bookTwice: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom("confirm", "redeem", "cancel", "resume", "expire", "time passes")
      .map((does) => ({ does }) as Step),
  },
);

const TRANSITIONS: Readonly<Record<string, Transition>> = {
  confirm: confirm("shopper"),
  redeem: redeem("test"),
  cancel: cancel("shopper"),
  resume,
  expire,
};

async function call(id: string, seconds: number, bookTwice: boolean): Promise<void> {
  const { db } = database;
  const { segments } = seeded;
  const code = await issueCode(db, { transactionId: id, lifeSeconds: 180 });
  if ("refusal" in code) return;
  const leg = await seedAnsweredLeg(db, seeded);
  const due = pulsesOf(segments).slice(0, pulsesDue(segments, seconds * 1_000));
  const early = due.slice(0, 2);
  await bookPulses(db, [{ leg: leg.id, epoch: leg.epoch, pulses: early }]);
  await claimCode(db, {
    leg: leg.id,
    epoch: leg.epoch,
    number: seeded.number,
    code: code.code,
    testAllowed: false,
    segments,
    wrongBefore: 0,
    codeBeforeAnswer: false,
  });
  await Promise.all(
    Array.from({ length: bookTwice ? 2 : 1 }, () => bookPulses(db, [{ leg: leg.id, epoch: leg.epoch, pulses: due }])),
  );
  const end = {
    leg: leg.id,
    epoch: leg.epoch,
    reason: "test",
    durationMs: seconds * 1_000,
    lastPulses: { leg: leg.id, epoch: leg.epoch, pulses: due },
    segments,
    codeBeforeAnswer: false,
  };
  expect(await endLeg(db, end)).toBe(true);
  expect(await endLeg(db, end)).toBe(false);
}

async function take(id: string, { does, ...rest }: Step): Promise<void> {
  if ("seconds" in rest) return call(id, rest.seconds, rest.bookTwice);
  if (does === "time passes") {
    await sql`update transactions set expires_at = now() - interval '1 second' where id = ${id} and status = 'open'`.execute(
      database.db,
    );
    return;
  }
  const transition = TRANSITIONS[does];
  if (transition) await changeTransaction(database.db, id, transition);
}

async function expectTruth(id: string): Promise<void> {
  const { db } = database;
  const transaction = await findTransaction(db, id);
  if (!transaction) throw new Error("the transaction vanished");
  const { rows } = await sql<{ legs: number; pulses: number }>`
    select coalesce(sum(l.billed), 0)::integer as legs,
           coalesce(sum((select sum(p.amount) from pulses p where p.call_leg_id = l.id)), 0)::integer as pulses
    from call_legs l where l.transaction_id = ${id}`.execute(db);
  expect(rows[0]).toEqual({ legs: transaction.billedRappen, pulses: transaction.billedRappen });
  const events = (await readJournal(db, id)).map((line) => line.event);
  const count = (name: RegExp) => events.filter((event) => name.test(event)).length;
  expect(count(/^transaction\.redeemed$/)).toBeLessThanOrEqual(1);
  expect(count(/^transaction\.confirmed$/)).toBeLessThanOrEqual(1);
  if (isPaid(transaction.status)) {
    expect(transaction.billedRappen).toBeGreaterThanOrEqual(transaction.amountRappen);
    expect(count(/^transaction\.paid(_late)?$/)).toBeGreaterThanOrEqual(1);
    expect(transaction.exception).toBe(
      events.includes("transaction.paid_late")
        ? "paid_late"
        : transaction.billedRappen > transaction.totalRappen
          ? "overpaid"
          : "none",
    );
  } else {
    expect(count(/^transaction\.paid/)).toBe(0);
    if (transaction.status !== "cancelled") expect(transaction.billedRappen).toBeLessThan(transaction.totalRappen);
  }
}

test("whatever happens in whatever order, a transaction holds exactly the pulses of its calls and is paid, confirmed and redeemed at most once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (steps) => {
      const { id } = await seedTransaction(database.db, seeded, { amountRappen: 100 });
      for (const next of steps) {
        await take(id, next);
        await expectTruth(id);
      }
    }),
    { numRuns: 120 },
  );
});

test("the database refuses money that isn't there: paid without being billed, a pulse changed, a second open call", async () => {
  const { db } = database;
  const { id } = await seedTransaction(db, seeded);
  await expect(
    sql`update transactions set status = 'paid', paid_at = now() where id = ${id}`.execute(db),
  ).rejects.toThrow(/check/);
  await expect(sql`update transactions set total = amount - 1 where id = ${id}`.execute(db)).rejects.toThrow(/check/);
  await call(id, 3, false);
  await expect(sql`update pulses set amount = amount + 1`.execute(db)).rejects.toThrow(/append-only/);
  await expect(sql`delete from journal`.execute(db)).rejects.toThrow(/append-only/);
  await expect(sql`update tariffs set name = 'other'`.execute(db)).rejects.toThrow(/append-only/);
});
