import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { billedAfter, pulsesOf } from "../../core/tariff.ts";
import { cancel } from "../../core/transitions.ts";
import { closeLeg } from "../../db/close-leg.ts";
import type { OpenDatabase } from "../../db/database.ts";
import { bookPulses } from "../../db/pulses.ts";
import { changeTransaction, findTransaction, readJournal } from "../../db/transactions.ts";
import { ABANDONED_BEFORE_RECORD_SECONDS, keepUp } from "../../db/upkeep.ts";
import { cloneDatabase } from "../support/database.ts";
import { type Seeded, seedAnsweredLeg, seedClaim, seedLeg, seedMerchant, seedTransaction } from "../support/seed.ts";

const ANSWERED_MS_AGO = 1_200_000;

let database: OpenDatabase;
let seeded: Seeded;

beforeAll(async () => {
  database = await cloneDatabase();
  seeded = await seedMerchant(database.db);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

/** A call of 5-second pulses whose server fell silent after two of them, `silentSeconds` ago. */
async function silentCall(amountRappen: number, silentSeconds: number, countsAfterMs = 0) {
  const { db } = database;
  const leg = await seedAnsweredLeg(db, seeded, { countsAfterMs, msAgo: ANSWERED_MS_AGO });
  const { id } = await seedTransaction(db, seeded, { amountRappen });
  await seedClaim(db, seeded, { leg, transactionId: id });
  await bookPulses(db, [{ leg: leg.id, epoch: leg.epoch, pulses: pulsesOf(seeded.segments).slice(0, 2) }]);
  const lease_until = new Date(Date.now() - silentSeconds * 1_000);
  await db.updateTable("call_legs").set({ lease_until }).where("id", "=", leg.id).execute();
  return { uniqueid: leg.uniqueid, id, leg: leg.id };
}

function legOf(id: number) {
  const columns = ["billed", "end_reason", "duration_ms", "answered_at"] as const;
  return database.db.selectFrom("call_legs").select(columns).where("id", "=", id).executeTakeFirstOrThrow();
}

const upkeep = (records: ReadonlyMap<string, number> | null) =>
  keepUp(database.db, {
    worker: "jobs",
    closeAbandoned: true,
    endedCalls: records ? async () => records : undefined,
  });

test("where Asterisk's record will tell, a call with a silent server isn't given up while it may be on the line", async () => {
  const call = await silentCall(300, 100);
  await upkeep(new Map());
  expect(await legOf(call.leg)).toMatchObject({ end_reason: null });
  await upkeep(new Map([[call.uniqueid, 146_000]]));
  expect(await legOf(call.leg)).toMatchObject({ end_reason: "caller_hung_up", billed: 300, duration_ms: 146_000 });
  expect(await findTransaction(database.db, call.id)).toMatchObject({ status: "paid", exception: "none" });
});

test("a call that was given up is paid once its length becomes known, and billed once however often it is told", async () => {
  const call = await silentCall(300, ABANDONED_BEFORE_RECORD_SECONDS + 100);
  await upkeep(new Map());
  expect(await legOf(call.leg)).toMatchObject({ end_reason: "abandoned", billed: 20, duration_ms: null });
  expect(await findTransaction(database.db, call.id)).toMatchObject({ status: "open", billedRappen: 20 });
  const known = { uniqueid: call.uniqueid, worker: "replay", talkMs: 146_000, reason: "caller_hung_up" };
  expect(await closeLeg(database.db, known)).toBe(true);
  expect(await closeLeg(database.db, { ...known, talkMs: 200_000 })).toBe(false);
  expect(await legOf(call.leg)).toMatchObject({ end_reason: "caller_hung_up", billed: 300, duration_ms: 146_000 });
  expect(await findTransaction(database.db, call.id)).toMatchObject({ status: "paid", billedRappen: 300 });
  const paid = (await readJournal(database.db, call.id)).filter(({ event }) => event === "transaction.paid");
  expect(paid).toHaveLength(1);
});

test("what a call that was given up brought beyond what was known is credit for the next one", async () => {
  const call = await silentCall(300, 200);
  await upkeep(null);
  expect(await legOf(call.leg)).toMatchObject({ end_reason: "abandoned" });
  const known = { uniqueid: call.uniqueid, worker: "replay", talkMs: 52_000, reason: "caller_hung_up" };
  expect(await closeLeg(database.db, known)).toBe(true);
  expect(await findTransaction(database.db, call.id)).toMatchObject({
    status: "open",
    exception: "underpaid",
    billedRappen: 110,
    totalRappen: 300,
  });
});

test("a payment cancelled meanwhile stays cancelled, and what it cost is on record", async () => {
  const call = await silentCall(300, 200);
  await upkeep(null);
  await changeTransaction(database.db, call.id, cancel("shopper"));
  const known = { uniqueid: call.uniqueid, worker: "replay", talkMs: 146_000, reason: "caller_hung_up" };
  expect(await closeLeg(database.db, known)).toBe(true);
  expect(await findTransaction(database.db, call.id)).toMatchObject({ status: "cancelled", billedRappen: 300 });
});

test("no length that the time since answer doesn't allow is believed of a call that was given up", async () => {
  const call = await silentCall(40_000, 200);
  await upkeep(null);
  const known = { uniqueid: call.uniqueid, worker: "replay", talkMs: 3_600_000, reason: "caller_hung_up" };
  expect(await closeLeg(database.db, known)).toBe(true);
  expect((await legOf(call.leg)).duration_ms).toBeLessThan(1_300_000); // answered twenty minutes ago
});

test.each([
  ["half up", 500],
  ["down", 1_000],
])(
  "with a carrier that rounds %s, a call owes no pulse that has fallen and doesn't count yet",
  async (_how, countsAfterMs) => {
    for (const givenUp of [false, true])
      for (const [lateMs, billed] of [
        [0, 20],
        [1, 30],
      ] as const) {
        const call = await silentCall(300, 200, countsAfterMs);
        if (givenUp) await upkeep(null);
        const talkMs = 10_000 + countsAfterMs + lateMs; // the third pulse falls at 10 s
        await closeLeg(database.db, { uniqueid: call.uniqueid, worker: "w", talkMs, reason: "caller_hung_up" });
        expect(await legOf(call.leg)).toMatchObject({ billed });
      }
  },
);

test("no call is longer than the time since its answer, but for what two clocks may differ by", async () => {
  const over = { worker: "w", reason: "caller_hung_up" };
  const [stepped, honest] = [await silentCall(300, 0), await silentCall(300, 0)];
  await closeLeg(database.db, { ...over, uniqueid: stepped.uniqueid, talkMs: 3 * ANSWERED_MS_AGO });
  const { billed, duration_ms } = await legOf(stepped.leg);
  expect(duration_ms).toBeGreaterThanOrEqual(ANSWERED_MS_AGO);
  expect(duration_ms).toBeLessThan(ANSWERED_MS_AGO + 60_000);
  expect(billed).toBe(billedAfter(seeded.segments, duration_ms ?? 0));
  await closeLeg(database.db, { ...over, uniqueid: honest.uniqueid, talkMs: ANSWERED_MS_AGO + 1_000 });
  expect(await legOf(honest.leg)).toMatchObject({ duration_ms: ANSWERED_MS_AGO + 1_000 });
});

test("a call whose server died before it wrote the answer down was answered as long ago as it talked, and is billed", async () => {
  const { id, uniqueid } = await seedLeg(database.db, seeded);
  await closeLeg(database.db, { uniqueid, worker: "w", talkMs: 12_345, reason: "caller_hung_up" });
  const { answered_at, ...leg } = await legOf(id);
  expect(leg).toEqual({ billed: 30, end_reason: "caller_hung_up", duration_ms: 12_345 });
  const answeredMsAgo = Date.now() - (answered_at?.getTime() ?? 0);
  expect(answeredMsAgo).toBeGreaterThanOrEqual(12_345);
  expect(answeredMsAgo).toBeLessThan(60_000);
});
