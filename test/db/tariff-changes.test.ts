import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sql } from "kysely";
import { billedAfter, pulsesDue, pulsesOf, type Segment } from "../../core/tariff.ts";
import { findLeg } from "../../db/call-legs.ts";
import { closeLeg } from "../../db/close-leg.ts";
import { claimCode, issueCode } from "../../db/codes.ts";
import type { OpenDatabase } from "../../db/database.ts";
import { addTariff, findNumberInService } from "../../db/numbers.ts";
import { bookPulses } from "../../db/pulses.ts";
import { changeTariff, upcomingTariffs } from "../../db/tariff-changes.ts";
import { findTransaction, readJournal } from "../../db/transactions.ts";
import { cloneDatabase } from "../support/database.ts";
import {
  PULSES_OF_5_SECONDS,
  type Seeded,
  seedAnsweredLeg,
  seedMerchant,
  seedTariff,
  seedTransaction,
  TEN_RAPPEN_A_SECOND,
  THREE_FRANCS_A_CALL,
} from "../support/seed.ts";

let database: OpenDatabase;
/** Long enough ago for every call of these tests. */
const ANSWERED_MS_AGO = 600_000;
const _calls = 0;
let numbers = 0;

beforeAll(async () => {
  database = await cloneDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

async function seed(segments: readonly Segment[] = PULSES_OF_5_SECONDS): Promise<Seeded> {
  return seedMerchant(database.db, { number: `09000000${String(++numbers).padStart(2, "0")}`, segments });
}

const inForce = async (number: string) => (await findNumberInService(database.db, number))?.tariff.id;

async function codeFor(id: string): Promise<string> {
  const code = await issueCode(database.db, { transactionId: id, lifeSeconds: 180 });
  if ("refusal" in code) throw new Error(code.refusal);
  return code.code;
}

/** A call as the voice server opens it: with the tariff that the number has when it comes. */
async function arrive(seeded: Seeded) {
  const { db } = database;
  const number = await findNumberInService(db, seeded.number);
  if (!number) throw new Error("the number is out of service");
  const { id: tariffId, segments } = number.tariff;
  const leg = await seedAnsweredLeg(db, { number: seeded.number, tariffId }, { msAgo: ANSWERED_MS_AGO });
  const { uniqueid } = leg;
  const held = { leg: leg.id, epoch: leg.epoch };
  return {
    uniqueid,
    tariffId,
    key: (code: string) =>
      claimCode(db, {
        ...held,
        number: seeded.number,
        code,
        testAllowed: false,
        wrongBefore: 0,
        segments,
        codeBeforeAnswer: false,
      }),
    book: (elapsedMs: number) =>
      bookPulses(db, [{ ...held, pulses: pulsesOf(segments).slice(0, pulsesDue(segments, elapsedMs)) }]),
    hangUp: (talkMs: number) => closeLeg(db, { uniqueid, worker: "w", reason: "caller_hung_up", talkMs }),
  };
}

test("a number has another tariff from now on, or from the moment that was named", async () => {
  const { db } = database;
  const { number, tariffId } = await seed();
  const [dearer, dearest] = [await seedTariff(db, TEN_RAPPEN_A_SECOND), await seedTariff(db, THREE_FRANCS_A_CALL)];
  const tomorrow = new Date(Date.now() + 86_400_000);
  expect(await changeTariff(db, { number, tariffId: dearest, from: tomorrow })).toBeNull();
  expect(await inForce(number)).toBe(tariffId);
  expect(await changeTariff(db, { number, tariffId: dearer, from: null })).toBeNull();
  expect(await inForce(number)).toBe(dearer);
  expect(await upcomingTariffs(db, number)).toEqual([
    { tariff: expect.objectContaining({ id: dearest, segments: THREE_FRANCS_A_CALL }), from: tomorrow },
  ]);
});

test("what is planned for a moment is replaced by what is planned for it later on", async () => {
  const { db } = database;
  const { number } = await seed();
  const from = new Date(Date.now() + 3_600_000);
  const [first, second] = [await seedTariff(db, TEN_RAPPEN_A_SECOND), await seedTariff(db, THREE_FRANCS_A_CALL)];
  await changeTariff(db, { number, tariffId: first, from });
  await changeTariff(db, { number, tariffId: second, from });
  expect((await upcomingTariffs(db, number)).map(({ tariff }) => tariff.id)).toEqual([second]);
});

test("no tariff begins in the past, and the database keeps what has been in force", async () => {
  const { db } = database;
  const { number, tariffId } = await seed();
  for (const ago of [1, 86_400_000])
    expect(await changeTariff(db, { number, tariffId, from: new Date(Date.now() - ago) })).toEqual({
      refusal: "tariff_date_past",
    });
  await expect(sql`delete from number_tariffs where number = ${number}`.execute(db)).rejects.toThrow(/in force/);
  await expect(
    sql`update number_tariffs set tariff_id = tariff_id where number = ${number}`.execute(db),
  ).rejects.toThrow(/in force/);
});

test("what is no tariff isn't written, and the reasons are told", async () => {
  const segments: readonly Segment[] = [{ kind: "time", rappenPerMinute: 120, incrementSeconds: 0 }];
  const before = await sql`select 1 from tariffs`.execute(database.db);
  expect(await addTariff(database.db, { name: "wrong", segments })).toEqual({
    refusal: "tariff_invalid",
    faults: [expect.stringMatching(/incrementSeconds/)],
  });
  expect((await sql`select 1 from tariffs`.execute(database.db)).rows).toHaveLength(before.rows.length);
});

test("a code is shown for the price of its day: after a change it has expired, and the next one stands beside the new price", async () => {
  const { db } = database;
  const seeded = await seed();
  const { id } = await seedTransaction(db, seeded, { amountRappen: 95 });
  expect(await findTransaction(db, id)).toMatchObject({ totalRappen: 100, expectedSeconds: 46 });
  const old = await codeFor(id);
  const dearer = await seedTariff(db, TEN_RAPPEN_A_SECOND);
  await changeTariff(db, { number: seeded.number, tariffId: dearer, from: null });

  expect(await (await arrive(seeded)).key(old)).toEqual({ outcome: "expired" });
  expect(await findTransaction(db, id)).toMatchObject({ status: "open", tariffId: seeded.tariffId });

  const fresh = await issueCode(db, { transactionId: id, lifeSeconds: 180, keepLive: true });
  expect(fresh).not.toMatchObject({ code: old });
  expect(await findTransaction(db, id)).toMatchObject({ tariffId: dearer, totalRappen: 100, expectedSeconds: 10 });
  expect((await readJournal(db, id)).at(-1)).toMatchObject({
    event: "transaction.requoted",
    data: { tariffId: dearer, totalRappen: 100 },
  });
  expect(await (await arrive(seeded)).key("code" in fresh ? fresh.code : "")).toMatchObject({ outcome: "claimed" });
});

test("no code is issued for an amount that the new price can't bill", async () => {
  const { db } = database;
  const seeded = await seed();
  const { id } = await seedTransaction(db, seeded, { amountRappen: 30 });
  await changeTariff(db, {
    number: seeded.number,
    tariffId: await seedTariff(db, TEN_RAPPEN_A_SECOND),
    from: null,
  });
  expect(await issueCode(db, { transactionId: id, lifeSeconds: 180 })).toEqual({ refusal: "amount_too_small" });
  expect(await findTransaction(db, id)).toMatchObject({ tariffId: seeded.tariffId, totalRappen: 30 });
});

test("a tariff that changes in mid-call changes nothing for that call, nor for its books when they are closed later", async () => {
  const { db } = database;
  const seeded = await seed();
  const { id } = await seedTransaction(db, seeded, { amountRappen: 500 });
  const under = await arrive(seeded);
  expect(await under.key(await codeFor(id))).toMatchObject({ outcome: "claimed" });
  await under.book(60_000);
  const dearer = await seedTariff(db, TEN_RAPPEN_A_SECOND);
  await changeTariff(db, { number: seeded.number, tariffId: dearer, from: null });
  expect(await issueCode(db, { transactionId: id, lifeSeconds: 180 })).toEqual({ refusal: "call_in_progress" });

  await under.hangUp(121_000);
  const billedRappen = billedAfter(PULSES_OF_5_SECONDS, 121_000); // 25 pulses of 10 rappen
  expect(billedRappen).toBe(250);
  expect(await findLeg(db, under.uniqueid)).toMatchObject({ billedRappen, tariffId: seeded.tariffId });
  expect(await findTransaction(db, id)).toMatchObject({
    status: "open",
    exception: "underpaid",
    billedRappen,
    tariffId: seeded.tariffId,
  });

  // The rest is paid at the new price, and the past call stays what it was.
  const rest = await arrive(seeded);
  expect(rest.tariffId).toBe(dearer);
  expect(await rest.key(await codeFor(id))).toMatchObject({ outcome: "claimed" });
  await rest.book(24_001);
  expect(await findTransaction(db, id)).toMatchObject({ status: "paid", billedRappen: 500, exception: "none" });
  expect(await findLeg(db, under.uniqueid)).toMatchObject({ billedRappen, tariffId: seeded.tariffId });
});

test("an amount above what one call can bring is paid in several, underpaid while something is missing", async () => {
  const { db } = database;
  const seeded = await seed(THREE_FRANCS_A_CALL);
  const { id } = await seedTransaction(db, seeded, { amountRappen: 801 });
  expect(await findTransaction(db, id)).toMatchObject({ totalRappen: 900, expectedSeconds: 6 });
  for (const billedRappen of [300, 600]) {
    const call = await arrive(seeded);
    expect(await call.key(await codeFor(id))).toMatchObject({ outcome: "claimed" });
    await call.hangUp(7_000);
    expect(await findTransaction(db, id)).toMatchObject({
      status: "open",
      exception: "underpaid",
      billedRappen,
      totalRappen: 900,
    });
  }
  const last = await arrive(seeded);
  await last.key(await codeFor(id));
  await last.book(1_000);
  expect(await findTransaction(db, id)).toMatchObject({ status: "paid", exception: "none", billedRappen: 900 });
});
