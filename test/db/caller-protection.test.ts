import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sql } from "kysely";
import { hashCaller, readCallerNumber } from "../../core/caller.ts";
import { CALLER_LOCK_OUT, NUMBER_GUARD, UNKNOWN_LOCK_OUT } from "../../core/lock-outs.ts";
import type { CallLeg } from "../../db/call-legs.ts";
import { countRefusal } from "../../db/call-refusals.ts";
import { readCallerRecord } from "../../db/caller-record.ts";
import { barCaller, barredCallers, unbarCaller } from "../../db/callers.ts";
import { claimCode, issueCode } from "../../db/codes.ts";
import type { OpenDatabase } from "../../db/database.ts";
import { listGuesses } from "../../db/guesses.ts";
import { startOfSwiss, swissDay } from "../../db/swiss-time.ts";
import { findTransaction } from "../../db/transactions.ts";
import { cloneDatabase } from "../support/database.ts";
import { type Seeded, seedAnsweredLeg, seedMerchant, seedTransaction } from "../support/seed.ts";

let database: OpenDatabase;
let seeded: Seeded;
let numbers = 0;

beforeAll(async () => {
  database = await cloneDatabase();
  seeded = await seedMerchant(database.db);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

function newCaller(): Buffer {
  return randomBytes(32);
}

/** A number of its own, so that what others guess doesn't count. */
function newNumber(): Promise<Seeded> {
  return seedMerchant(database.db, { number: `0901${String(++numbers).padStart(6, "0")}` });
}

async function legOf(
  callerHash: Buffer | null,
  details: { readonly on?: Seeded; readonly trunk?: string } = {},
): Promise<CallLeg> {
  const { on = seeded, trunk = "carrier" } = details;
  return seedAnsweredLeg(database.db, on, { trunk, callerHash });
}

/** A call that is over: it began at `startedAt` (SQL) and cost that much. */
async function pastCall(
  callerHash: Buffer,
  call: { readonly startedAt: string; readonly billedRappen: number; readonly trunk?: string },
): Promise<void> {
  const { id } = await legOf(callerHash, call);
  await sql`update call_legs set started_at = ${sql.raw(call.startedAt)}, billed = ${call.billedRappen},
    ended_at = clock_timestamp(), end_reason = 'test' where id = ${id}`.execute(database.db);
}

async function wrongCodes(leg: CallLeg, count: number, secondsAgo = 0): Promise<void> {
  await sql`update call_legs set wrong_codes = ${count}, started_at = clock_timestamp() - make_interval(secs => ${secondsAgo})
    where id = ${leg.id}`.execute(database.db);
}

function recordOf(callerHash: Buffer | null, on = seeded, trunk = "carrier") {
  return readCallerRecord(database.db, { uniqueid: "new", number: on.number, trunk, callerHash });
}

/** Keys a code on a leg as the voice server would. */
function key(leg: CallLeg, code: string, on = seeded, wrongBefore = 0) {
  const { number, segments } = on;
  const line = { number, segments, codeBeforeAnswer: false, testAllowed: true, wrongBefore };
  return claimCode(database.db, { leg: leg.id, epoch: leg.epoch, code, ...line });
}

async function openPayment(amountRappen: number, on = seeded) {
  const { id } = await seedTransaction(database.db, on, { amountRappen });
  const issued = await issueCode(database.db, { transactionId: id, lifeSeconds: 180 });
  if ("refusal" in issued) throw new Error(issued.refusal);
  return { id, code: issued.code };
}

async function setLimits(limits: Readonly<Record<string, number | null>>): Promise<void> {
  await database.db.updateTable("trunks").set(limits).where("name", "=", "carrier").execute();
}

test.each([
  ["2026-07-31T22:30:00Z", "2026-08-01", "2026-07-31T22:00:00Z", "2026-07-31T22:00:00Z", "2025-12-31T23:00:00Z"],
  ["2026-07-31T21:59:59Z", "2026-07-31", "2026-07-30T22:00:00Z", "2026-06-30T22:00:00Z", "2025-12-31T23:00:00Z"],
  ["2025-12-31T23:00:00Z", "2026-01-01", "2025-12-31T23:00:00Z", "2025-12-31T23:00:00Z", "2025-12-31T23:00:00Z"],
  ["2026-03-29T21:59:00Z", "2026-03-29", "2026-03-28T23:00:00Z", "2026-02-28T23:00:00Z", "2025-12-31T23:00:00Z"],
  ["2026-10-25T22:59:00Z", "2026-10-25", "2026-10-24T22:00:00Z", "2026-09-30T22:00:00Z", "2025-12-31T23:00:00Z"],
])("%s lies in the Swiss day %s, which began at %s; its month at %s and its year at %s", async (at, day, ...starts) => {
  const moment = sql<Date>`${at}::timestamptz`;
  const { rows } = await sql<{ day: string; starts: Date[] }>`
    select ${swissDay(moment)} as day,
           array[${startOfSwiss("day", moment)}, ${startOfSwiss("month", moment)}, ${startOfSwiss("year", moment)}] as starts`.execute(
    database.db,
  );
  expect(rows[0]?.day).toBe(day);
  expect(rows[0]?.starts).toEqual(starts.map((start) => new Date(start)));
});

test("what was spent before midnight, before the first of the month or of January counts to the time before it", async () => {
  const zone = "at time zone 'Europe/Zurich'";
  const start = (unit: string) => `date_trunc('${unit}', clock_timestamp() ${zone}) ${zone}`;
  const caller = newCaller();
  await pastCall(caller, { startedAt: start("day"), billedRappen: 1 });
  const yesterday = newCaller();
  await pastCall(yesterday, { startedAt: `${start("day")} - interval '1 second'`, billedRappen: 2 });
  const lastMonth = newCaller();
  await pastCall(lastMonth, { startedAt: `${start("month")} - interval '1 second'`, billedRappen: 4 });
  const lastYear = newCaller();
  await pastCall(lastYear, { startedAt: `${start("year")} - interval '1 second'`, billedRappen: 8 });
  const spent = await Promise.all(
    [caller, yesterday, lastMonth, lastYear].map(async (who) => (await recordOf(who)).spent),
  );
  expect(spent[0]).toEqual({ dayRappen: 1, monthRappen: 1, yearRappen: 1, callsToday: 1 });
  expect(spent[1]).toMatchObject({ dayRappen: 0, callsToday: 0 });
  expect(spent[2]).toMatchObject({ dayRappen: 0, monthRappen: 0 });
  expect(spent[3]).toEqual({ dayRappen: 0, monthRappen: 0, yearRappen: 0, callsToday: 0 });
});

test("a caller's spending is their own, on one trunk; calls that were never answered don't count as calls", async () => {
  const caller = newCaller();
  await pastCall(caller, { startedAt: "clock_timestamp()", billedRappen: 30 });
  await pastCall(caller, { startedAt: "clock_timestamp()", billedRappen: 500, trunk: "demo" });
  await pastCall(newCaller(), { startedAt: "clock_timestamp()", billedRappen: 700 });
  const unanswered = await legOf(caller);
  await sql`update call_legs set answered_at = null where id = ${unanswered.id}`.execute(database.db);
  expect((await recordOf(caller)).spent).toEqual({ dayRappen: 30, monthRappen: 30, yearRappen: 30, callsToday: 1 });
  expect((await recordOf(null)).spent).toEqual({ dayRappen: 0, monthRappen: 0, yearRappen: 0, callsToday: 0 });
});

test("a purchase that would pass the limit is refused when its code is keyed, and stays open to somebody else", async () => {
  await setLimits({ caller_day_max: 100 });
  const on = await newNumber();
  const caller = newCaller();
  await pastCall(caller, { startedAt: "clock_timestamp()", billedRappen: 30 });
  const { id, code } = await openPayment(80, on);
  expect(await key(await legOf(caller, { on }), code, on)).toEqual({ outcome: "over_limit" });
  expect(await findTransaction(database.db, id)).toMatchObject({ status: "open" });
  const affordable = await openPayment(70, on);
  expect(await key(await legOf(caller, { on }), affordable.code, on)).toMatchObject({ outcome: "claimed" });
  expect(await key(await legOf(newCaller(), { on }), code, on)).toMatchObject({ outcome: "claimed" });
  await setLimits({ caller_day_max: 40_000 });
});

test.each(["day", "month", "year"])(
  "CHF 400 that a caller may spend in a %s can be spent to the last rappen, and none beyond",
  async (unit) => {
    const unlimited = { caller_day_max: null, caller_month_max: null, caller_year_max: null };
    await setLimits({ ...unlimited, [`caller_${unit}_max`]: 40_000 });
    const on = await newNumber();
    const caller = newCaller();
    await pastCall(caller, { startedAt: "clock_timestamp()", billedRappen: 39_950 });
    const [dear, affordable] = [await openPayment(60, on), await openPayment(50, on)];
    expect(await key(await legOf(caller, { on }), dear.code, on)).toEqual({ outcome: "over_limit" });
    expect(await key(await legOf(caller, { on }), affordable.code, on)).toMatchObject({ outcome: "claimed" });
    await setLimits({ caller_day_max: 40_000, caller_month_max: 100_000, caller_year_max: 500_000 });
  },
);

test("what earlier calls have paid of a purchase isn't asked of the limit again", async () => {
  await setLimits({ caller_day_max: 100 });
  const on = await newNumber();
  const { id, code } = await openPayment(150, on);
  await sql`update transactions set billed = 60, exception = 'underpaid' where id = ${id}`.execute(database.db);
  expect(await key(await legOf(newCaller(), { on }), code, on)).toMatchObject({ outcome: "claimed" });
  await setLimits({ caller_day_max: 40_000 });
});

test("of two calls of one caller at the same moment only as many are let pay as the limit has room for", async () => {
  await setLimits({ caller_day_max: 100 });
  const on = await newNumber();
  const caller = newCaller();
  const payments = await Promise.all([60, 60, 60].map((amount) => openPayment(amount, on)));
  const legs = await Promise.all(payments.map(() => legOf(caller, { on })));
  const claims = await Promise.all(payments.map(({ code }, i) => key(legs[i] as CallLeg, code, on)));
  expect(claims.map(({ outcome }) => outcome).sort()).toEqual(["claimed", "over_limit", "over_limit"]);
  await setLimits({ caller_day_max: 40_000 });
});

test("three wrong codes in one call don't keep a shopper from paying in the next", async () => {
  const on = await newNumber();
  const caller = newCaller();
  const first = await legOf(caller, { on });
  for (let wrong = 0; wrong < 3; wrong++) expect(await key(first, "0000", on, wrong)).toEqual({ outcome: "unknown" });
  expect((await recordOf(caller, on)).wrong.byCaller).toBe(3);
  const { code } = await openPayment(30, on);
  expect(await key(await legOf(caller, { on }), code, on)).toMatchObject({ outcome: "claimed" });
});

test("a hundred wrong codes of one caller at the same moment are stopped at the limit to the code, and then even a right one", async () => {
  const on = await newNumber();
  const caller = newCaller();
  const legs = await Promise.all(Array.from({ length: 100 }, () => legOf(caller, { on })));
  const keyed = await Promise.all(legs.map((leg) => key(leg, "0000", on)));
  const guesses = keyed.filter(({ outcome }) => outcome === "unknown").length;
  expect(guesses).toBe(CALLER_LOCK_OUT.wrongCodesMax);
  expect((await recordOf(caller, on)).wrong.byCaller).toBe(CALLER_LOCK_OUT.wrongCodesMax);
  const { id, code } = await openPayment(30, on);
  expect(await key(await legOf(caller, { on }), code, on)).toEqual({ outcome: "locked_out" });
  expect(await findTransaction(database.db, id)).toMatchObject({ status: "open" });
  expect(await key(await legOf(newCaller(), { on }), code, on)).toMatchObject({ outcome: "claimed" });
}, 60_000);

test("a wrong code is counted once, however often it is asked about because the answer was lost", async () => {
  const on = await newNumber();
  const caller = newCaller();
  const leg = await legOf(caller, { on });
  for (let times = 0; times < 3; times++) expect(await key(leg, "0000", on, 0)).toEqual({ outcome: "unknown" });
  expect((await recordOf(caller, on)).wrong.byCaller).toBe(1);
  await key(leg, "0000", on, 1);
  expect((await recordOf(caller, on)).wrong.byCaller).toBe(2);
});

test("a code that has run out, and one that is being paid, are no guesses", async () => {
  const on = await newNumber();
  const caller = newCaller();
  const paying = await openPayment(30, on);
  await key(await legOf(newCaller(), { on }), paying.code, on);
  const late = await openPayment(30, on);
  await sql`update codes set issued_at = now() - interval '9 minutes', expires_at = now() - interval '1 minute'
    where transaction_id = ${late.id}`.execute(database.db);
  const leg = await legOf(caller, { on });
  expect(await key(leg, paying.code, on)).toEqual({ outcome: "in_use" });
  expect(await key(leg, late.code, on)).toEqual({ outcome: "expired" });
  expect((await recordOf(caller, on)).wrong).toEqual({ byCaller: 0, byUnknown: 0, onNumber: 0, rightOnNumber: 0 });
});

test("wrong codes count as long as their window, to the second in which it has passed", async () => {
  const on = await newNumber();
  const caller = newCaller();
  await wrongCodes(await legOf(caller, { on }), 4, CALLER_LOCK_OUT.seconds - 5);
  await wrongCodes(await legOf(caller, { on }), 5, CALLER_LOCK_OUT.seconds + 1);
  await wrongCodes(await legOf(null, { on }), 6, UNKNOWN_LOCK_OUT.seconds - 5);
  await wrongCodes(await legOf(null, { on }), 7, UNKNOWN_LOCK_OUT.seconds + 1);
  await wrongCodes(await legOf(newCaller(), { on }), 8, NUMBER_GUARD.seconds - 5);
  await wrongCodes(await legOf(newCaller(), { on }), 9, NUMBER_GUARD.seconds + 1);
  expect((await recordOf(caller, on)).wrong).toEqual({ byCaller: 4, byUnknown: 6, onNumber: 8, rightOnNumber: 0 });
});

test("where a number has so many wrong codes that it may be guessed at, its right ones of the same time are counted", async () => {
  const on = await newNumber();
  for (let payment = 0; payment < 3; payment++) {
    const { code } = await openPayment(30, on);
    expect(await key(await legOf(newCaller(), { on }), code, on)).toMatchObject({ outcome: "claimed" });
  }
  const before = await openPayment(30, on);
  const early = await legOf(newCaller(), { on });
  await key(early, before.code, on);
  await wrongCodes(early, 0, NUMBER_GUARD.seconds + 1);
  await wrongCodes(await legOf(newCaller(), { on }), NUMBER_GUARD.wrongCodesMax - 1, 5);
  expect((await recordOf(newCaller(), on)).wrong).toMatchObject({ onNumber: 59, rightOnNumber: 0 });
  await wrongCodes(await legOf(newCaller(), { on }), 1, 5);
  expect((await recordOf(newCaller(), on)).wrong).toMatchObject({ onNumber: 60, rightOnNumber: 3 });
});

test("callers without a number share a bucket on each number, which leaves those with one alone", async () => {
  const on = await newNumber();
  await wrongCodes(await legOf(null, { on }), UNKNOWN_LOCK_OUT.wrongCodesMax);
  const { code } = await openPayment(30, on);
  expect(await key(await legOf(null, { on }), code, on)).toEqual({ outcome: "locked_out" });
  const elsewhere = await newNumber();
  const there = await openPayment(30, elsewhere);
  expect(await key(await legOf(null, { on: elsewhere }), there.code, elsewhere)).toMatchObject({ outcome: "claimed" });
  expect(await key(await legOf(newCaller(), { on }), code, on)).toMatchObject({ outcome: "claimed" });
});

test("a caller is barred in whatever form the network writes the number, until the time is over or they are let in again", async () => {
  const { db } = database;
  const hashOf = (text: string) => hashCaller(readCallerNumber(text) ?? "", "a-key-for-tests-only");
  const entry = { numberHint: "67", reason: "disputed", barredBy: "operator" };
  await barCaller(db, { ...entry, callerHash: hashOf("0441234567"), days: 3 });
  expect((await recordOf(hashOf("+41441234567"))).barred).toBe(true);
  expect((await recordOf(hashOf("0441234568"))).barred).toBe(false);
  await sql`update barred_callers set since = since - interval '4 days', until = until - interval '4 days'`.execute(db);
  expect((await recordOf(hashOf("+41441234567"))).barred).toBe(false);
  expect(await barredCallers(db)).toEqual([]);
  await barCaller(db, { ...entry, callerHash: hashOf("0441234567"), days: null });
  expect(await barredCallers(db)).toMatchObject([{ numberHint: "67", reason: "disputed", until: null }]);
  expect(await unbarCaller(db, hashOf("41441234567"))).toBe(true);
  expect(await unbarCaller(db, hashOf("41441234567"))).toBe(false);
  expect((await recordOf(hashOf("0441234567"))).barred).toBe(false);
});

test("a flood of refused calls leaves one row for each reason, and one for all numbers that aren't ours", async () => {
  const { db } = database;
  const flood = Array.from({ length: 60 }, (_, i) => `09009${String(i).padStart(5, "0")}`);
  await Promise.all(flood.map((number) => countRefusal(db, { number, reason: "number_unallocated" })));
  await Promise.all(flood.map(() => countRefusal(db, { number: seeded.number, reason: "caller_hidden" })));
  const rows = await db.selectFrom("call_refusals").select(["number", "reason", "calls"]).orderBy("number").execute();
  expect(rows).toEqual([
    { number: "", reason: "number_unallocated", calls: 60 },
    { number: seeded.number, reason: "caller_hidden", calls: 60 },
  ]);
});

test("guesses are shown by number and day, with the callers that reached the limit and the refusals", async () => {
  const { db } = database;
  const on = await newNumber();
  const [guesser, shopper] = [newCaller(), newCaller()];
  await wrongCodes(await legOf(guesser, { on }), 3);
  await wrongCodes(await legOf(guesser, { on }), CALLER_LOCK_OUT.wrongCodesMax - 3);
  await wrongCodes(await legOf(shopper, { on }), 2);
  await wrongCodes(await legOf(null, { on }), CALLER_LOCK_OUT.wrongCodesMax);
  await countRefusal(db, { number: on.number, reason: "caller_locked_out" });
  const refusedOnly = await newNumber();
  await countRefusal(db, { number: refusedOnly.number, reason: "caller_abroad" });
  const guesses = await listGuesses(db, 1);
  const today = (await sql<{ day: string }>`select ${swissDay()}::text as day`.execute(db)).rows[0]?.day;
  expect(guesses.find(({ number }) => number === on.number)).toEqual({
    day: today,
    number: on.number,
    wrongCodes: 2 * CALLER_LOCK_OUT.wrongCodesMax + 2,
    calls: 4,
    lockedCallers: 1,
    refusals: { caller_locked_out: 1 },
  });
  expect(guesses.find(({ number }) => number === refusedOnly.number)).toMatchObject({
    wrongCodes: 0,
    calls: 0,
    refusals: { caller_abroad: 1 },
  });
});

test("the demo and test mode take callers without a number and limit nobody; the carrier's trunk, and any new one, is careful", async () => {
  const { db } = database;
  await db.insertInto("trunks").values({ name: "new", billed: true }).execute();
  const rows = await db.selectFrom("trunks").selectAll().orderBy("name").execute();
  const careful = {
    hidden_callers: "refuse",
    unknown_callers: "refuse",
    foreign_callers: "refuse",
    caller_day_max: 40_000,
  };
  expect(rows).toMatchObject([
    { name: "carrier", ...careful, caller_month_max: 100_000, caller_year_max: 500_000, caller_calls_per_day_max: 30 },
    {
      name: "demo",
      hidden_callers: "refuse",
      unknown_callers: "accept",
      foreign_callers: "refuse",
      caller_day_max: null,
    },
    { name: "new", ...careful },
    { name: "test", billed: false, hidden_callers: "refuse", unknown_callers: "accept", caller_day_max: null },
  ]);
});

test("nobody claims a code by a leg that isn't theirs any more", async () => {
  const leg = await legOf(newCaller());
  await expect(key({ ...leg, epoch: leg.epoch + 1 }, "1234")).rejects.toThrow(/isn't ours/);
});
