import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sql } from "kysely";
import { UNKNOWN_LOCK_OUT } from "../../core/lock-outs.ts";
import { expireNow, playedUniqueid, TEST_TRUNK } from "../../core/played-call.ts";
import { resume } from "../../core/transitions.ts";
import type { CallLeg } from "../../db/call-legs.ts";
import { readCallerRecord } from "../../db/caller-record.ts";
import { claimCode, issueCode } from "../../db/codes.ts";
import type { OpenDatabase } from "../../db/database.ts";
import { beginPlay, endPlay, findLastPlay, renewPlays } from "../../db/test-plays.ts";
import { changeTransaction, findTransaction, listTransactions, readJournal } from "../../db/transactions.ts";
import { ABANDONED_SECONDS, keepUp } from "../../db/upkeep.ts";
import { cloneDatabase } from "../support/database.ts";
import { type Seeded, seedAnsweredLeg, seedMerchant, seedTransaction } from "../support/seed.ts";

let database: OpenDatabase;
let seeded: Seeded;
let plays = 0;

beforeAll(async () => {
  database = await cloneDatabase();
  seeded = await seedMerchant(database.db);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

async function newTransaction(test: boolean): Promise<string> {
  return (await seedTransaction(database.db, seeded, { test })).id;
}

async function legOn(
  trunk: string,
  uniqueid = trunk === TEST_TRUNK ? playedUniqueid({ play: ++plays, call: 1 }) : randomUUID(),
): Promise<CallLeg> {
  return seedAnsweredLeg(database.db, seeded, { uniqueid, trunk });
}

/** Keys the transaction's code on a call of that trunk, as the voice server does: it allows tests where nobody bills. */
async function claim(leg: CallLeg, id: string): Promise<string> {
  const code = await issueCode(database.db, { transactionId: id, lifeSeconds: 180 });
  if ("refusal" in code) throw new Error(code.refusal);
  const { number, segments } = seeded;
  const line = {
    leg: leg.id,
    epoch: leg.epoch,
    number,
    segments,
    wrongBefore: 0,
    codeBeforeAnswer: false,
    testAllowed: true,
  };
  return (await claimCode(database.db, { ...line, code: code.code })).outcome;
}

test("a played call can claim test transactions only: a live one's code is nobody's to it", async () => {
  const [live, played] = [await newTransaction(false), await newTransaction(true)];
  expect(await claim(await legOn(TEST_TRUNK), live)).toBe("unknown");
  expect(await findTransaction(database.db, live)).toMatchObject({ status: "open" });
  expect(await claim(await legOn(TEST_TRUNK), played)).toBe("claimed");
  expect(await claim(await legOn("demo"), live)).toBe("claimed");
});

test.each([
  ["a played call", TEST_TRUNK, "a live transaction", false],
  ["a billed call", "carrier", "a test transaction", true],
] as const)("the database itself lets %s (on trunk %s) never pay %s", async (_call, trunk, _transaction, isTest) => {
  const leg = await legOn(trunk);
  const id = await newTransaction(isTest);
  const bind = sql`update call_legs set transaction_id = ${id}, claimed_at = clock_timestamp() where id = ${leg.id}`;
  await expect(bind.execute(database.db)).rejects.toThrow("pays no transaction of this mode");
});

test("no real call comes in on the trunk of played ones, nor a played one on another", async () => {
  await expect(legOn(TEST_TRUNK, "1764000000.12")).rejects.toThrow("played_calls_have_their_trunk");
  for (const trunk of ["carrier", "demo"])
    await expect(legOn(trunk, playedUniqueid({ play: 7, call: 1 }))).rejects.toThrow("played_calls_have_their_trunk");
});

test("the trunk of played calls is billed by nobody and carries no number, and a transaction keeps its mode", async () => {
  const { db } = database;
  await expect(sql`update trunks set billed = true where name = 'test'`.execute(db)).rejects.toThrow("by_nobody");
  await expect(sql`update smart_numbers set trunk = 'test'`.execute(db)).rejects.toThrow("real_trunk");
  const id = await newTransaction(true);
  await expect(sql`update transactions set test = false where id = ${id}`.execute(db)).rejects.toThrow(
    "keeps its mode",
  );
});

test("wrong codes of played calls and of real ones don't count for each other", async () => {
  const { db } = database;
  const recordOn = (trunk: string) =>
    readCallerRecord(db, { uniqueid: "new", number: seeded.number, trunk, callerHash: null });
  const before = (await recordOn("carrier")).wrong;
  const wrongOn = async (trunk: string) => {
    const { id } = await legOn(trunk);
    await db
      .updateTable("call_legs")
      .set({ wrong_codes: UNKNOWN_LOCK_OUT.wrongCodesMax })
      .where("id", "=", id)
      .execute();
  };
  await wrongOn(TEST_TRUNK);
  expect((await recordOn("carrier")).wrong).toEqual(before);
  await wrongOn("carrier");
  expect((await recordOn("carrier")).wrong.byUnknown).toBe(before.byUnknown + UNKNOWN_LOCK_OUT.wrongCodesMax);
  expect((await recordOn(TEST_TRUNK)).wrong).toEqual({ byCaller: 0, byUnknown: 0, onNumber: 0, rightOnNumber: 0 });
});

test("a test transaction's time is over when its merchant says so, and a live one's never", async () => {
  const { db } = database;
  const [played, live] = [await newTransaction(true), await newTransaction(false)];
  expect(await changeTransaction(db, played, expireNow)).toMatchObject({
    refusal: null,
    transaction: { status: "expired" },
  });
  const { expiredAt, expiresAt } = (await findTransaction(db, played)) ?? {};
  expect(expiredAt).toEqual(expiresAt);
  expect(await changeTransaction(db, played, expireNow)).toMatchObject({ refusal: null });
  expect((await readJournal(db, played)).map(({ event }) => event)).toEqual([
    "transaction.created",
    "transaction.expired",
  ]);
  expect(await changeTransaction(db, played, resume)).toMatchObject({ transaction: { status: "open", expiredAt } });
  expect(await claim(await legOn(TEST_TRUNK), played)).toBe("claimed");
  expect(await changeTransaction(db, played, expireNow)).toMatchObject({ refusal: "call_in_progress" });
  expect(await changeTransaction(db, live, expireNow)).toMatchObject({
    refusal: "test_only",
    transaction: { status: "open" },
  });
  expect(await readJournal(db, live)).toHaveLength(1);
});

test("one play at a time of one transaction, in whatever process; one whose process is gone makes way", async () => {
  const { db } = database;
  const transactionId = await newTransaction(true);
  const begin = () => beginPlay(db, { transactionId, play: "pay" });
  expect(await findLastPlay(db, transactionId)).toBeNull();
  const begun = (await Promise.all([begin(), begin(), begin()])).filter((id) => id !== null);
  expect(begun).toHaveLength(1);
  expect(await findLastPlay(db, transactionId)).toEqual({ play: "pay", isPlaying: true });
  await endPlay(db, begun[0] ?? 0);
  expect(await findLastPlay(db, transactionId)).toEqual({ play: "pay", isPlaying: false });

  const crashed = (await begin()) ?? 0;
  await sql`update test_plays set lease_until = clock_timestamp() - interval '1 second' where id = ${crashed}`.execute(
    db,
  );
  expect(await findLastPlay(db, transactionId)).toMatchObject({ isPlaying: false });
  const next = (await begin()) ?? 0;
  expect(next).toBeGreaterThan(crashed);
  await sql`update test_plays set lease_until = clock_timestamp() - interval '1 second' where id = ${next}`.execute(db);
  await renewPlays(db, [crashed, next]);
  expect(await begin()).toBeNull();
});

test("the database plays no live transaction", async () => {
  const transactionId = await newTransaction(false);
  await expect(beginPlay(database.db, { transactionId, play: "pay" })).rejects.toThrow("is no play");
});

test("a played call that its process left is closed without waiting for a record that never comes", async () => {
  const [played, real] = [await legOn(TEST_TRUNK), await legOn("demo")];
  const long = ABANDONED_SECONDS + 1;
  await sql`update call_legs set lease_until = clock_timestamp() - make_interval(secs => ${long})
    where id in (${played.id}, ${real.id})`.execute(database.db);
  await keepUp(database.db, { worker: "jobs", closeAbandoned: true, endedCalls: async () => new Map() });
  const reasons = await database.db
    .selectFrom("call_legs")
    .select("end_reason")
    .where("id", "in", [played.id, real.id])
    .orderBy("id")
    .execute();
  expect(reasons).toEqual([{ end_reason: "abandoned" }, { end_reason: null }]);
});

test("a list goes on from a transaction of its own mode only", async () => {
  const [played, live] = [await newTransaction(true), await newTransaction(false)];
  const after = (last: string, isTest: boolean) =>
    listTransactions(database.db, { merchantId: seeded.merchantId, test: isTest, after: last, limit: 100 });
  expect(await after(live, true)).toEqual([]);
  expect(await after(played, false)).toEqual([]);
  const all = await listTransactions(database.db, { merchantId: seeded.merchantId, test: true, limit: 100 });
  expect(all.every((transaction) => transaction.test)).toBe(true);
});
