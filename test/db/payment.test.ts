import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { pulsesOf } from "../../core/tariff.ts";
import { expire, redeem, resume } from "../../core/transitions.ts";
import { endLeg } from "../../db/call-legs.ts";
import { claimCode, issueCode } from "../../db/codes.ts";
import type { OpenDatabase } from "../../db/database.ts";
import { bookPulses } from "../../db/pulses.ts";
import { changeTransaction, findTransaction, readJournal } from "../../db/transactions.ts";
import { cloneDatabase } from "../support/database.ts";
import { type Seeded, seedAnsweredLeg, seedLeg, seedMerchant, seedTransaction } from "../support/seed.ts";

let database: OpenDatabase;
let seeded: Seeded;
const _calls = 0;

beforeAll(async () => {
  database = await cloneDatabase();
  seeded = await seedMerchant(database.db);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

const answeredLeg = () => seedAnsweredLeg(database.db, seeded);

async function claim(leg: { id: number; epoch: number }, code: string, testAllowed = false) {
  return claimCode(database.db, {
    leg: leg.id,
    epoch: leg.epoch,
    number: seeded.number,
    code,
    testAllowed,
    segments: seeded.segments,
    wrongBefore: 0,
    codeBeforeAnswer: false,
  });
}

const pulses = (from: number, to: number) => pulsesOf(seeded.segments).slice(from - 1, to);

test("pulses that fell before the code was known are the credit of the call, and the last one pays", async () => {
  const { db } = database;
  const { id } = await seedTransaction(db, seeded);
  const code = await issueCode(db, { transactionId: id, lifeSeconds: 180 });
  if ("refusal" in code) throw new Error(code.refusal);
  const leg = await answeredLeg();
  await bookPulses(db, [{ leg: leg.id, epoch: leg.epoch, pulses: pulses(1, 2) }]);
  const claimed = await claim(leg, code.code);
  expect(claimed).toMatchObject({
    outcome: "claimed",
    transaction: { status: "calling", billedRappen: 20, totalRappen: 100 },
  });
  await bookPulses(db, [{ leg: leg.id, epoch: leg.epoch, pulses: pulses(2, 9) }]);
  expect(await findTransaction(db, id)).toMatchObject({ status: "calling", billedRappen: 90 });
  await bookPulses(db, [{ leg: leg.id, epoch: leg.epoch, pulses: pulses(10, 10) }]);
  expect(await findTransaction(db, id)).toMatchObject({ status: "paid", billedRappen: 100, exception: "none" });
  expect(await changeTransaction(db, id, redeem("test"))).toMatchObject({
    refusal: null,
    transaction: { status: "redeemed" },
  });
  expect(await changeTransaction(db, id, redeem("test"))).toMatchObject({ refusal: "transaction_already_redeemed" });
  expect((await readJournal(db, id)).map((line) => line.event)).toEqual([
    "transaction.created",
    "transaction.call_started",
    "transaction.paid",
    "transaction.redeemed",
  ]);
});

test("a claim whose answer was lost is answered again to the leg that won it, and changes nothing", async () => {
  const { db } = database;
  const { id } = await seedTransaction(db, seeded);
  const code = await issueCode(db, { transactionId: id, lifeSeconds: 180 });
  if ("refusal" in code) throw new Error(code.refusal);
  const leg = await answeredLeg();
  const written = async () => [
    await db.selectFrom("call_legs").selectAll().where("id", "=", leg.id).execute(),
    await db.selectFrom("codes").selectAll().where("transaction_id", "=", id).execute(),
    await findTransaction(db, id),
    await readJournal(db, id),
  ];
  const claimed = await claim(leg, code.code);
  const before = await written();
  expect(await claim(leg, code.code)).toEqual(claimed);
  expect(claimed.outcome).toBe("claimed");
  expect(await written()).toEqual(before);
  expect(await claim(await answeredLeg(), code.code)).toEqual({ outcome: "in_use" });
});

test("a worker whose leg was taken over books nothing", async () => {
  const { db } = database;
  const leg = await answeredLeg();
  const again = await seedLeg(db, seeded, { uniqueid: leg.uniqueid, owner: "b" });
  expect(again).toMatchObject({ id: leg.id, epoch: 2 });
  const stale = await bookPulses(db, [{ leg: leg.id, epoch: 1, pulses: pulses(1, 3) }]);
  expect(stale.held.size).toBe(0);
  const fresh = await bookPulses(db, [{ leg: leg.id, epoch: 2, pulses: pulses(1, 3) }]);
  expect(fresh.held).toEqual(new Set([leg.id]));
  const row = await db.selectFrom("call_legs").select("billed").where("id", "=", leg.id).executeTakeFirstOrThrow();
  expect(row.billed).toBe(30);
});

test("an interrupted call leaves its money as credit, and a second call pays only the rest", async () => {
  const { db } = database;
  const { id } = await seedTransaction(db, seeded);
  const first = await issueCode(db, { transactionId: id, lifeSeconds: 180 });
  if ("refusal" in first) throw new Error(first.refusal);
  const one = await answeredLeg();
  await claim(one, first.code);
  expect(
    await endLeg(db, {
      leg: one.id,
      epoch: one.epoch,
      reason: "caller_hung_up",
      durationMs: 21_000,
      lastPulses: { leg: one.id, epoch: one.epoch, pulses: pulses(1, 5) },
      segments: seeded.segments,
      codeBeforeAnswer: false,
    }),
  ).toBe(true);
  expect(await findTransaction(db, id)).toMatchObject({
    status: "open",
    exception: "underpaid",
    billedRappen: 50,
    totalRappen: 100,
  });
  const second = await issueCode(db, { transactionId: id, lifeSeconds: 180 });
  if ("refusal" in second) throw new Error(second.refusal);
  const two = await answeredLeg();
  await claim(two, second.code);
  await bookPulses(db, [{ leg: two.id, epoch: two.epoch, pulses: pulses(1, 5) }]);
  expect(await findTransaction(db, id)).toMatchObject({ status: "paid", billedRappen: 100, exception: "none" });
});

test("of two calls that key one code at the same moment, one pays and the other is told", async () => {
  const { db } = database;
  const { id } = await seedTransaction(db, seeded);
  const code = await issueCode(db, { transactionId: id, lifeSeconds: 180 });
  if ("refusal" in code) throw new Error(code.refusal);
  const legs = await Promise.all(Array.from({ length: 6 }, answeredLeg));
  const outcomes = await Promise.all(legs.map((leg) => claim(leg, code.code)));
  expect(outcomes.filter((claimed) => claimed.outcome === "claimed")).toHaveLength(1);
  expect(outcomes.filter((claimed) => claimed.outcome === "in_use")).toHaveLength(5);
});

test("a code of a test transaction is unknown to a line with a carrier behind it", async () => {
  const { db } = database;
  const { id } = await seedTransaction(db, seeded, { test: true });
  const code = await issueCode(db, { transactionId: id, lifeSeconds: 180 });
  if ("refusal" in code) throw new Error(code.refusal);
  expect(await claim(await answeredLeg(), code.code)).toEqual({ outcome: "unknown" });
  expect(await claim(await answeredLeg(), code.code, true)).toMatchObject({ outcome: "claimed" });
});

test("an expired transaction can't be resumed while another open one has its reference", async () => {
  const { db } = database;
  const first = await seedTransaction(db, seeded, { reference: "order-7" });
  await db
    .updateTable("transactions")
    .set({ expires_at: new Date(Date.now() - 1_000) })
    .where("id", "=", first.id)
    .execute();
  await changeTransaction(db, first.id, expire);
  await seedTransaction(db, seeded, { reference: "order-7" });
  expect(await changeTransaction(db, first.id, resume)).toMatchObject({
    refusal: "reference_in_use",
    transaction: { status: "expired" },
  });
});
