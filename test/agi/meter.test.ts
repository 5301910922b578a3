import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { BOOKING_INTERVAL_MS, type Meter, PULSE_SETTLE_MS, startMeter } from "../../agi/meter.ts";
import { answerLeg, openLeg } from "../../db/call-legs.ts";
import type { OpenDatabase } from "../../db/database.ts";
import { cloneDatabase } from "../support/database.ts";
import { type Seeded, seedMerchant, TEN_RAPPEN_A_SECOND } from "../support/seed.ts";

let database: OpenDatabase;
let seeded: Seeded;
let calls = 0;

beforeAll(async () => {
  database = await cloneDatabase();
  seeded = await seedMerchant(database.db, { segments: TEN_RAPPEN_A_SECOND });
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

/** A clock that the test moves: the meter's only notion of time. */
function clock() {
  const at = { ms: 1_000 };
  return { now: () => at.ms, pass: (ms: number) => (at.ms += ms) };
}

async function newLeg(answered = true) {
  const call = { uniqueid: `metered-${++calls}`, number: seeded.number, tariffId: seeded.tariffId };
  const leg = await openLeg(database.db, {
    ...call,
    trunk: "demo",
    countsAfterMs: 0,
    owner: "w",
    caller: null,
    callerHash: null,
  });
  if (answered) await answerLeg(database.db, { id: leg.id, epoch: leg.epoch, msAgo: 0 });
  return leg;
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

async function metered(meter: Meter, answered = true) {
  const leg = await newLeg(answered);
  const call = meter.meterCall(leg, seeded.segments);
  call.answered(meter.now());
  return { leg, call };
}

test("pulses fall by the meter's clock from answer on, and none before the line has outlived it", async () => {
  const time = clock();
  await using meter = startMeter({ db: database.db, now: time.now });
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
  await using meter = startMeter({ db: database.db, now: time.now, onError: (error) => complaints.push(error) });
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
  await using meter = startMeter({ db, now: time.now });
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
  await using meter = startMeter({ db: database.db, now: time.now });
  const { leg, call } = await metered(meter);
  await openLeg(database.db, {
    uniqueid: leg.uniqueid,
    number: seeded.number,
    tariffId: seeded.tariffId,
    trunk: "demo",
    countsAfterMs: 0,
    owner: "x",
    caller: null,
    callerHash: null,
  });
  time.pass(2_000);
  expect(await call.settle(1_500)).toBe(false);
  expect(call.lost.aborted).toBe(true);
  expect(await booked(leg.id)).toEqual([]);
  expect(call.owed(9_000).pulses).toEqual([]);
});

test("the meter books by itself, without being asked", async () => {
  await using meter = startMeter({ db: database.db });
  const { leg } = await metered(meter);
  await new Promise((resolve) => setTimeout(resolve, PULSE_SETTLE_MS + 3 * BOOKING_INTERVAL_MS));
  expect(await booked(leg.id)).toEqual([1]);
});
