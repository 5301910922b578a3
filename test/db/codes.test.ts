import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sql } from "kysely";
import { CODES_LIVE_MAX, codeDistance } from "../../core/code.ts";
import { issueCode, QUARANTINE_SECONDS } from "../../db/codes.ts";
import type { OpenDatabase } from "../../db/database.ts";
import { cloneDatabase } from "../support/database.ts";
import { type Seeded, seedMerchant, seedTransaction } from "../support/seed.ts";

let database: OpenDatabase;
let seeded: Seeded;

beforeAll(async () => {
  database = await cloneDatabase();
  seeded = await seedMerchant(database.db);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

test("200 shoppers who ask at the same moment get codes that all differ in two digits or more", async () => {
  const transactions = await Promise.all(Array.from({ length: 200 }, () => seedTransaction(database.db, seeded)));
  const issued = await Promise.all(
    transactions.map(({ id }) => issueCode(database.db, { transactionId: id, lifeSeconds: 180 })),
  );
  const codes = issued.map((code) => ("refusal" in code ? "" : code.code));
  for (const [i, a] of codes.entries())
    for (const b of codes.slice(i + 1)) expect(codeDistance(a, b)).toBeGreaterThanOrEqual(2);
});

test("the database itself refuses two live codes of a number that differ in one digit only, in each place", async () => {
  const { db } = database;
  const seededHere = await seedMerchant(db, { number: "0901000001" });
  const insert = async (code: string) => {
    const { id } = await seedTransaction(db, seededHere);
    await sql`insert into codes (number, code, transaction_id, expires_at) values ('0901000001', ${code}, ${id}, now() + interval '3 minutes')`.execute(
      db,
    );
  };
  await insert("1234");
  for (const near of ["9234", "1934", "1294", "1239", "1234"])
    await expect(insert(near)).rejects.toThrow(/codes_differ_beyond_digit/);
  await insert("1243");
});

test("a new code replaces the old one, which stays out of everybody's reach until its quarantine is over", async () => {
  const { db } = database;
  const { id } = await seedTransaction(db, seeded);
  const first = await issueCode(db, { transactionId: id, lifeSeconds: 180 });
  const second = await issueCode(db, { transactionId: id, lifeSeconds: 180 });
  if ("refusal" in first || "refusal" in second) throw new Error("refused");
  expect(codeDistance(first.code, second.code)).toBeGreaterThanOrEqual(2);
  const live = await sql<{
    count: number;
  }>`select count(*) from codes where transaction_id = ${id} and retired_at is null`.execute(db);
  expect(live.rows[0]?.count).toBe(1);
});

test("a full number says so, and has room again when quarantine is over", async () => {
  const { db } = database;
  const full = await seedMerchant(db, { number: "0901000002" });
  let refused = "";
  for (let i = 0; i <= CODES_LIVE_MAX && refused === ""; i++) {
    const { id } = await seedTransaction(db, full);
    const code = await issueCode(db, { transactionId: id, lifeSeconds: 180 });
    if ("refusal" in code) refused = code.refusal;
  }
  expect(refused).toBe("codes_exhausted");
  await sql`update codes set issued_at = issued_at - interval '1 day', expires_at = now() - make_interval(secs => ${QUARANTINE_SECONDS + 1}) where number = '0901000002'`.execute(
    db,
  );
  const { id } = await seedTransaction(db, full);
  expect(await issueCode(db, { transactionId: id, lifeSeconds: 180 })).toMatchObject({
    code: expect.stringMatching(/^[0-9]{4}$/),
  });
});

test("nobody gets a code for what can't be paid any more", async () => {
  const { db } = database;
  const { id } = await seedTransaction(db, seeded);
  await sql`update transactions set expires_at = now() - interval '1 second' where id = ${id}`.execute(db);
  expect(await issueCode(db, { transactionId: id, lifeSeconds: 180 })).toEqual({ refusal: "transaction_expired" });
  expect(await issueCode(db, { transactionId: "00000000-0000-4000-8000-000000000000", lifeSeconds: 180 })).toEqual({
    refusal: "transaction_unknown",
  });
});

test("two first looks at one pay page at the same moment show the same code", async () => {
  const { db } = database;
  const { id } = await seedTransaction(db, seeded);
  const codes = await Promise.all(
    Array.from({ length: 5 }, () => issueCode(db, { transactionId: id, lifeSeconds: 180, keepLive: true })),
  );
  expect(new Set(codes.map((code) => ("refusal" in code ? code.refusal : code.code))).size).toBe(1);
});

test("nobody is given a code near one that a late caller may still key", async () => {
  const { db } = database;
  const here = await seedMerchant(db, { number: "0901000003" });
  const issue = async () => {
    const { id } = await seedTransaction(db, here);
    const code = await issueCode(db, { transactionId: id, lifeSeconds: 180 });
    if ("refusal" in code) throw new Error(code.refusal);
    return { id, code: code.code };
  };
  const late = await Promise.all(Array.from({ length: 10 }, issue));
  // Replaced by their own shoppers: out of the live codes at once, out of reach for a while longer.
  for (const { id } of late) await issueCode(db, { transactionId: id, lifeSeconds: 180 });
  for (let i = 0; i < 250; i++) {
    const { code } = await issue();
    for (const old of late) expect(codeDistance(code, old.code)).toBeGreaterThanOrEqual(2);
  }
});
