import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sql } from "kysely";
import { type Journal, openJournal } from "../../agi/journal.ts";
import { BOOKING_INTERVAL_MS, type Meter, PULSE_SETTLE_MS, startMeter } from "../../agi/meter.ts";
import type { OpenDatabase } from "../../db/database.ts";
import { LEASE_SECONDS } from "../../db/pulses.ts";
import { cloneDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { type Seeded, seedAnsweredLeg, seedLeg, seedMerchant, TEN_RAPPEN_A_SECOND } from "../support/seed.ts";

let database: OpenDatabase;
let seeded: Seeded;
const _calls = 0;
let journal: Journal;
const resources = new AsyncDisposableStack();

beforeAll(async () => {
  database = resources.use(await cloneDatabase());
  const directory = resources.use(await mkdtempDisposable(path.join(tmpdir(), "meter-"))).path;
  journal = resources.use(await openJournal({ directory }));
  seeded = await seedMerchant(database.db, { segments: TEN_RAPPEN_A_SECOND });
});
afterAll(async () => {
  await resources.disposeAsync();
});

/** A clock that the test moves: the meter's only notion of time. */
function clock() {
  const at = { ms: 1_000 };
  return { now: () => at.ms, pass: (ms: number) => (at.ms += ms) };
}

async function newLeg(answered = true) {
  return answered ? seedAnsweredLeg(database.db, seeded) : seedLeg(database.db, seeded);
}

async function booked(leg: number): Promise<readonly number[]> {
  const rows = await database.db
    .selectFrom("pulses")
    .select("sequence")
    .where("call_leg_id", "=", leg)
    .orderBy("sequence")
    .execute();
  return rows.map((row) => row.sequence);
}

/** A call whose line answers at once, unless told otherwise. */
async function metered(meter: Meter, answered = true, prove = async () => {}) {
  const leg = await newLeg(answered);
  const call = meter.meterCall({ leg, segments: seeded.segments, prove });
  call.answered(meter.now());
  return { leg, call };
}

/** Locks the row of a leg, which makes the database slow to book it, until the answered function is called. */
async function holdLeg(leg: number): Promise<() => Promise<void>> {
  const [held, freed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holding = database.db.transaction().execute(async (trx) => {
    await trx.selectFrom("call_legs").select("id").where("id", "=", leg).forUpdate().execute();
    held.resolve();
    await freed.promise;
  });
  await held.promise;
  return () => {
    freed.resolve();
    return holding;
  };
}

async function isSomebodyWaiting(): Promise<boolean> {
  const { rows } = await sql`select 1 from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(database.db);
  return rows.length > 0;
}

test("pulses fall by the meter's clock from answer on, and none before the line has outlived it", async () => {
  const time = clock();
  await using meter = startMeter({ db: database.db, journal, now: time.now });
  const { leg, call } = await metered(meter);
  time.pass(PULSE_SETTLE_MS);
  await call.settle(PULSE_SETTLE_MS);
  expect(await booked(leg.id)).toEqual([]);
  time.pass(2_001);
  expect(await call.settle(2_001)).toBe(true);
  expect(await booked(leg.id)).toEqual([1, 2, 3]);
  expect(call.owed(4_500)).toMatchObject({ pulses: [{ sequence: 4 }, { sequence: 5 }] });
});

test("a call whose pulse the database refuses holds up no other call", async () => {
  const time = clock();
  const complaints: unknown[] = [];
  await using meter = startMeter({
    db: database.db,
    journal,
    now: time.now,
    onError: (error) => complaints.push(error),
  });
  const bad = await metered(meter, false); // never answered in the books: a constraint refuses its pulses
  const good = await metered(meter);
  time.pass(3_000);
  expect(await good.call.settle(2_500)).toBe(true);
  expect(await booked(good.leg.id)).toEqual([1, 2, 3]);
  expect(await booked(bad.leg.id)).toEqual([]);
  expect(complaints.length).toBeGreaterThan(0);
});

test("a booking that failed is made good by the next one, and nothing is booked twice", async () => {
  const time = clock();
  let away = true;
  const db = new Proxy(database.db, {
    get: (target, name) => {
      if (name === "transaction" && away) throw Object.assign(new Error("connection lost"), { code: "ECONNREFUSED" });
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  await using meter = startMeter({ db, journal, now: time.now });
  const { leg, call } = await metered(meter);
  time.pass(5_000);
  expect(await call.settle(4_500)).toBe(false);
  away = false;
  expect(await call.settle(4_500)).toBe(true);
  expect(await call.settle(4_500)).toBe(true);
  expect(await booked(leg.id)).toEqual([1, 2, 3, 4, 5]);
});

test("when another worker has taken the leg over, the call is lost to this one, and it books nothing more", async () => {
  const time = clock();
  await using meter = startMeter({ db: database.db, journal, now: time.now });
  const { leg, call } = await metered(meter);
  await seedLeg(database.db, seeded, { uniqueid: leg.uniqueid, owner: "x" });
  time.pass(2_000);
  expect(await call.settle(1_500)).toBe(false);
  expect(call.lost.aborted).toBe(true);
  expect(await booked(leg.id)).toEqual([]);
  expect(call.owed(9_000).pulses).toEqual([]);
});

test("a pulse is booked only when the line has answered after it: over a dead connection nothing more is billed", async () => {
  const time = clock();
  await using meter = startMeter({ db: database.db, journal, now: time.now });
  let reachable = true;
  const prove = async () => {
    if (!reachable) throw new Error("no answer");
  };
  const { leg, call } = await metered(meter, true, prove);
  time.pass(2_500);
  expect(await call.settle(2_001)).toBe(true);
  expect(await call.outlived()).toBe(true);
  reachable = false;
  time.pass(60_000);
  expect(await call.settle(30_000)).toBe(false);
  expect(await call.outlived()).toBe(false);
  expect(await booked(leg.id)).toEqual([1, 2, 3]);
  reachable = true;
  expect(await call.settle(62_000)).toBe(true);
  expect((await booked(leg.id)).length).toBe(63);
});

test("a proof that was asked for before the last pulse, and waits behind a prompt, is asked for again", async () => {
  const time = clock();
  await using meter = startMeter({ db: database.db, journal, now: time.now });
  const waiting: (() => void)[] = [];
  const prompted = Promise.withResolvers<void>();
  const prove = () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve);
      prompted.resolve();
    });
  const { call } = await metered(meter, true, prove);
  time.pass(300); // the next tick asks for the first pulse's proof, while the line plays a prompt
  await prompted.promise;
  time.pass(900); // another pulse has fallen
  const outlived = call.outlived();
  for (let proofs = 0; proofs < 2; proofs++) {
    waiting.pop()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await outlived).toBe(true);
});

test("a caller who hung up passes no more time, and within what bounds the call lasted is remembered", async () => {
  const time = clock();
  await using meter = startMeter({ db: database.db, journal, now: time.now });
  const { leg, call } = await metered(meter);
  time.pass(3_300);
  await call.settle(3_000);
  time.pass(900);
  expect(meter.lengthOf(leg.uniqueid)).toBeNull();
  call.stopped();
  time.pass(10_000);
  expect(call.elapsedMs()).toBe(4_200);
  call.release();
  expect(meter.lengthOf(leg.uniqueid)).toMatchObject({ atLeastMs: 3_300, atMostMs: 4_200 });
});

test("what can't be booked is written to the local journal, once for each pulse, and settled when it is booked", async () => {
  const time = clock();
  let away = true;
  const db = new Proxy(database.db, {
    get: (target, name) => {
      if (name === "transaction" && away) throw Object.assign(new Error("connection lost"), { code: "ECONNREFUSED" });
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  await using meter = startMeter({ db, journal, now: time.now });
  const { leg, call } = await metered(meter);
  time.pass(3_500);
  expect(await call.settle(3_000)).toBe(false);
  const line = () => journal.outstanding.find(({ uniqueid }) => uniqueid === leg.uniqueid);
  expect(line()).toEqual({ kind: "due", uniqueid: leg.uniqueid, throughMs: 3_500 - PULSE_SETTLE_MS });
  time.pass(100); // no new pulse: nothing new to write down
  expect(await call.settle(3_000)).toBe(false);
  expect(line()).toMatchObject({ throughMs: 3_500 - PULSE_SETTLE_MS });
  away = false;
  expect(await call.settle(3_000)).toBe(true);
  expect(line()).toBeUndefined();
});

test("what the database is slow to take is written to the local journal while its answer is awaited", async () => {
  const time = clock();
  await using meter = startMeter({ db: database.db, journal, now: time.now });
  const { leg, call } = await metered(meter);
  const free = await holdLeg(leg.id);
  time.pass(3_500);
  const settled = call.settle(3_000);
  time.pass(1_001);
  const line = () => journal.outstanding.find(({ uniqueid }) => uniqueid === leg.uniqueid);
  expect(await eventually(async () => line())).toMatchObject({ kind: "due", throughMs: 4_501 - PULSE_SETTLE_MS });
  expect(await booked(leg.id)).toEqual([]);
  await free();
  expect(await settled).toBe(true);
});

test("a pulse written down during a slow booking stays on disk until it is booked itself", async () => {
  const time = clock();
  await using meter = startMeter({ db: database.db, journal, now: time.now });
  const { leg, call } = await metered(meter);
  const line = () => journal.outstanding.find(({ uniqueid }) => uniqueid === leg.uniqueid);
  const free = await holdLeg(leg.id);
  time.pass(3_500);
  const settled = call.settle(3_000);
  await eventually(isSomebodyWaiting);
  time.pass(2_000);
  await eventually(async () => line());
  await free();
  await settled;
  expect(line()).toMatchObject({ throughMs: 5_500 - PULSE_SETTLE_MS });
  expect(await call.settle(5_000)).toBe(true);
  expect(line()).toBeUndefined();
});

test("a leg without a pulse due is shown to be alive well within its lease", async () => {
  const time = clock();
  await using meter = startMeter({ db: database.db, journal, now: time.now });
  const leg = await newLeg(false);
  meter.meterCall({ leg, segments: seeded.segments, prove: async () => {} });
  const held = database.db.updateTable("call_legs").where("id", "=", leg.id);
  await held.set({ lease_until: new Date() }).execute();
  time.pass((LEASE_SECONDS * 1_000) / 3);
  const lease = database.db.selectFrom("call_legs").select("lease_until").where("id", "=", leg.id);
  const secondsLeft = async () => ((await lease.executeTakeFirstOrThrow()).lease_until.getTime() - Date.now()) / 1_000;
  expect(await eventually(async () => (await secondsLeft()) > LEASE_SECONDS / 2)).toBe(true);
});

test("with a carrier that rounds down, a second is owed when it is over", async () => {
  const time = clock();
  await using meter = startMeter({ db: database.db, journal, now: time.now });
  const { id, uniqueid, epoch } = await newLeg();
  const leg = { id, uniqueid, epoch, countsAfterMs: 1_000 };
  const call = meter.meterCall({ leg, segments: seeded.segments, prove: async () => {} });
  call.answered(meter.now());
  time.pass(2_900);
  await call.settle(2_700);
  expect(await booked(id)).toEqual([1, 2]);
});

test("the meter books by itself, without being asked", async () => {
  await using meter = startMeter({ db: database.db, journal });
  const { leg } = await metered(meter);
  await new Promise((resolve) => setTimeout(resolve, PULSE_SETTLE_MS + 3 * BOOKING_INTERVAL_MS));
  expect(await booked(leg.id)).toEqual([1]);
});
