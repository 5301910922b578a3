import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sql } from "kysely";
import type { Segment } from "../../core/tariff.ts";
import type { OpenDatabase } from "../../db/database.ts";
import { addNumber, putIntoService } from "../../db/number-service.ts";
import { findNumberInService, isNumberKnown } from "../../db/numbers.ts";
import { changeTariff, upcomingTariffs } from "../../db/tariff-changes.ts";
import { cloneDatabase } from "../support/database.ts";
import { PULSES_OF_5_SECONDS, seedMerchant, seedTariff, TEN_RAPPEN_A_SECOND } from "../support/seed.ts";

const TOO_DEAR: readonly Segment[] = [{ kind: "time", rappenPerMinute: 1_001, incrementSeconds: 1 }];
const PULSE_ERA = "2004-01-01";

let database: OpenDatabase;
let merchantId: number;
let numbers = 0;

beforeAll(async () => {
  database = await cloneDatabase();
  merchantId = (await seedMerchant(database.db)).merchantId;
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

const newNumber = () => `0901${String(++numbers).padStart(6, "0")}`;
const rules = (refused: Awaited<ReturnType<typeof addNumber>>) => refused?.broken.map(({ rule }) => rule) ?? [];

async function add(
  number: string,
  segments: readonly Segment[],
  options: Partial<Parameters<typeof addNumber>[1]> = {},
) {
  const tariffId = await seedTariff(database.db, segments);
  const entry = { number, tariffId, merchantId, codeBeforeAnswer: false, language: "fr" } as const;
  return addNumber(database.db, { ...entry, ...options });
}

test("a number that keeps today's rules goes into service under them, on a line that is billed", async () => {
  const { db } = database;
  const number = newNumber();
  expect(await add(number, TEN_RAPPEN_A_SECOND)).toBeNull();
  const today = await sql<{ day: string }>`select (now() at time zone 'Europe/Zurich')::date as day`.execute(db);
  expect(await findNumberInService(db, number)).toMatchObject({
    country: "CH",
    rulesOn: today.rows[0]?.day,
    trunk: { name: "carrier", billed: true, totalRoundingRappen: 10 },
  });
});

test("one that breaks a rule isn't added at all, and each rule is told", async () => {
  const number = newNumber();
  const refused = await add(number, [{ kind: "time", rappenPerMinute: 1_001, incrementSeconds: 5 }], {
    earlyMedia: false,
  });
  expect(refused).toMatchObject({ refusal: "number_breaks_profile" });
  expect(rules(refused)).toEqual(["per_minute_cap", "increment", "free_announcement"]);
  expect(await isNumberKnown(database.db, number)).toBe(false);
  expect(rules(await add("0902000000", TEN_RAPPEN_A_SECOND))).toEqual(["number_not_premium"]);
  expect(rules(await add("09001123456", [{ kind: "fixed", priceRappen: 100 }], { country: "DE" }))).toEqual([
    "currency",
  ]);
});

test("the rules of a past day are for lines that nobody bills", async () => {
  const number = newNumber();
  const ofPulses = { rulesOn: PULSE_ERA };
  expect(rules(await add(number, PULSES_OF_5_SECONDS))).toEqual(["increment"]);
  expect(rules(await add(number, PULSES_OF_5_SECONDS, ofPulses))).toEqual(["past_rules"]);
  expect(rules(await add(number, PULSES_OF_5_SECONDS, { trunk: "demo" }))).toEqual(["increment"]);
  expect(await add(number, PULSES_OF_5_SECONDS, { ...ofPulses, trunk: "demo" })).toBeNull();
  expect(await findNumberInService(database.db, number)).toMatchObject({ rulesOn: PULSE_ERA });
});

test("a day of the present set of rules is no past one", async () => {
  expect(await add(newNumber(), TEN_RAPPEN_A_SECOND, { rulesOn: "2021-01-01" })).toBeNull();
});

test("a number out of service comes back only under the rules, those of its planned prices included", async () => {
  const { db } = database;
  const number = newNumber();
  expect(await add(number, PULSES_OF_5_SECONDS, { rulesOn: PULSE_ERA, trunk: "demo" })).toBeNull();
  await db.updateTable("smart_numbers").set({ in_service: false }).where("number", "=", number).execute();

  expect(rules(await putIntoService(db, { number }))).toEqual(["increment"]);
  expect(await findNumberInService(db, number)).toBeNull();
  // Out of service any tariff may be planned; it is looked at when the number comes back.
  const tomorrow = new Date(Date.now() + 86_400_000);
  await changeTariff(db, { number, tariffId: await seedTariff(db, TEN_RAPPEN_A_SECOND), from: null });
  await changeTariff(db, { number, tariffId: await seedTariff(db, TOO_DEAR), from: tomorrow });
  expect(rules(await putIntoService(db, { number }))).toEqual(["per_minute_cap"]);
  await changeTariff(db, { number, tariffId: await seedTariff(db, TEN_RAPPEN_A_SECOND), from: tomorrow });
  expect(await putIntoService(db, { number })).toBeNull();
  expect(await findNumberInService(db, number)).toMatchObject({ number });
});

test("a number in service gets no price that its rules forbid, now or later", async () => {
  const { db } = database;
  const number = newNumber();
  await add(number, TEN_RAPPEN_A_SECOND);
  const before = await findNumberInService(db, number);
  const tariffId = await seedTariff(db, TOO_DEAR);
  for (const from of [null, new Date(Date.now() + 3_600_000)])
    expect(await changeTariff(db, { number, tariffId, from })).toMatchObject({
      refusal: "number_breaks_profile",
      broken: [{ rule: "per_minute_cap" }],
    });
  expect(await findNumberInService(db, number)).toEqual(before);
  expect(await upcomingTariffs(db, number)).toEqual([]);
});

test("the database itself keeps numbers without rules, and codes before an answer without early media, out of service", async () => {
  const { db } = database;
  const number = newNumber();
  await add(number, TEN_RAPPEN_A_SECOND);
  const set = (change: string) => sql`update smart_numbers set ${sql.raw(change)} where number = ${number}`.execute(db);
  await expect(set("rules_on = null")).rejects.toThrow(/in_service_only_under_rules/);
  await expect(set("early_media = false, code_before_answer = true")).rejects.toThrow(/needs_early_media/);
});

test("who puts a number into service and who changes its price wait for each other, so neither gets it past the rules", async () => {
  const { db } = database;
  const number = newNumber();
  await add(number, TEN_RAPPEN_A_SECOND);
  await db.updateTable("smart_numbers").set({ in_service: false }).where("number", "=", number).execute();
  const tariffId = await seedTariff(db, TOO_DEAR);
  const holder = await db.startTransaction().execute();
  await holder.selectFrom("smart_numbers").select("number").where("number", "=", number).forUpdate().execute();
  let settled = 0;
  const racing = Promise.all(
    [putIntoService(db, { number }), changeTariff(db, { number, tariffId, from: null })].map((one) =>
      one.finally(() => {
        settled += 1;
      }),
    ),
  );
  while (settled + (await waitingForLocks()) < 2);
  await holder.commit().execute();
  expect((await racing).filter((refused) => refused !== null)).toHaveLength(1);
});

async function waitingForLocks(): Promise<number> {
  const { rows } = await sql<{ waiting: number }>`
    select count(*) as waiting from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(database.db);
  return rows[0]?.waiting ?? 0;
}
