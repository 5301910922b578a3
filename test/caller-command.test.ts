import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { hashCaller } from "../core/caller.ts";
import { countRefusal } from "../db/call-refusals.ts";
import { readCallerRecord } from "../db/caller-record.ts";
import type { OpenDatabase } from "../db/database.ts";
import { cloneDatabase } from "./support/database.ts";
import { COMMAND_KEY, phone2pay } from "./support/operator-command.ts";

let database: OpenDatabase;
beforeAll(async () => {
  database = await cloneDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

const command = (...args: string[]) => phone2pay(database.url, ...args);

async function isBarred(): Promise<boolean> {
  const callerHash = hashCaller("+41441234567", COMMAND_KEY);
  const call = { uniqueid: "new", number: "0900900904", trunk: "carrier", callerHash };
  return (await readCallerRecord(database.db, call)).barred;
}

test("an operator bars a caller in one form of the number and lets them in again in another; the list holds no number", async () => {
  await command("caller", "bar", "044 123 45 67", "--reason", "disputes every bill", "--days", "3");
  expect(await isBarred()).toBe(true);
  const listed = await command("caller", "list", "--json");
  expect(JSON.parse(listed)).toMatchObject([{ numberHint: "67", reason: "disputes every bill" }]);
  expect(listed + (await command("caller", "list"))).not.toMatch(/441234567/);
  await command("caller", "unbar", "+41441234567");
  expect(await isBarred()).toBe(false);
  await expect(command("caller", "unbar", "+41441234567")).rejects.toThrow(/isn't barred/);
}, 60_000);

test("what is no number, no reason or no number of days is refused in words", async () => {
  await expect(command("caller", "bar", "1000", "--reason", "x")).rejects.toThrow(/a telephone number/);
  await expect(command("caller", "bar", "0441234567", "--reason", " ")).rejects.toThrow(/1 to 200 characters/);
  await expect(command("caller", "bar", "0441234567")).rejects.toThrow(/--reason/);
  await expect(command("caller", "bar", "0441234567", "--reason", "x", "--days", "0")).rejects.toThrow(/1 to/);
}, 60_000);

test("an operator sees what was refused, for people and for programs", async () => {
  await countRefusal(database.db, { number: "0900900904", reason: "caller_hidden" });
  expect(JSON.parse(await command("guesses", "--json"))).toMatchObject([
    { number: "0900900904", wrongCodes: 0, refusals: { caller_hidden: 1 } },
  ]);
  expect(await command("guesses", "--days", "1")).toMatch(/0900900904 {2}wrong codes 0 .*refused: caller_hidden 1/);
}, 60_000);
