import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { hashCaller } from "../core/caller.ts";
import { countRefusal } from "../db/call-refusals.ts";
import { readCallerRecord } from "../db/caller-record.ts";
import type { OpenDatabase } from "../db/database.ts";
import { cloneDatabase } from "./support/database.ts";

const KEY = "a-key-for-tests-only";
const program = path.resolve(import.meta.dirname, "../bin/phone2pay.ts");

let database: OpenDatabase;
beforeAll(async () => {
  database = await cloneDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

/** What the operator's command prints; rejects with what it complains about. */
async function phone2pay(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], {
    env: {
      ...process.env,
      DATABASE_URL: database.url,
      PHONE2PAY_AGI_SECRET: "a-secret-for-tests-only",
      PHONE2PAY_CALLER_HASH_KEY: KEY,
      PHONE2PAY_WEBHOOK_KEY: KEY,
    },
  });
  return stdout;
}

async function isBarred(): Promise<boolean> {
  const callerHash = hashCaller("+41441234567", KEY);
  const call = { uniqueid: "new", number: "0900900904", trunk: "carrier", callerHash };
  return (await readCallerRecord(database.db, call)).barred;
}

test("an operator bars a caller in one form of the number and lets them in again in another; the list holds no number", async () => {
  await phone2pay("caller", "bar", "044 123 45 67", "--reason", "disputes every bill", "--days", "3");
  expect(await isBarred()).toBe(true);
  const listed = await phone2pay("caller", "list", "--json");
  expect(JSON.parse(listed)).toMatchObject([{ numberHint: "67", reason: "disputes every bill" }]);
  expect(listed + (await phone2pay("caller", "list"))).not.toMatch(/441234567/);
  await phone2pay("caller", "unbar", "+41441234567");
  expect(await isBarred()).toBe(false);
  await expect(phone2pay("caller", "unbar", "+41441234567")).rejects.toThrow(/isn't barred/);
}, 60_000);

test("what is no number, no reason or no number of days is refused in words", async () => {
  await expect(phone2pay("caller", "bar", "1000", "--reason", "x")).rejects.toThrow(/a telephone number/);
  await expect(phone2pay("caller", "bar", "0441234567", "--reason", " ")).rejects.toThrow(/1 to 200 characters/);
  await expect(phone2pay("caller", "bar", "0441234567")).rejects.toThrow(/--reason/);
  await expect(phone2pay("caller", "bar", "0441234567", "--reason", "x", "--days", "0")).rejects.toThrow(/1 to/);
}, 60_000);

test("an operator sees what was refused, for people and for programs", async () => {
  await countRefusal(database.db, { number: "0900900904", reason: "caller_hidden" });
  expect(JSON.parse(await phone2pay("guesses", "--json"))).toMatchObject([
    { number: "0900900904", wrongCodes: 0, refusals: { caller_hidden: 1 } },
  ]);
  expect(await phone2pay("guesses", "--days", "1")).toMatch(/0900900904 {2}wrong codes 0 .*refused: caller_hidden 1/);
}, 60_000);
