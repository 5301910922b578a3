import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openRecordImport } from "../../bin/import-call-records.ts";
import { compareCalls } from "../../db/compare-calls.ts";
import type { Db } from "../../db/database.ts";
import { cloneDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { closedLegs, type Exchange, NUMBERS, type NumberName, openExchange, SECRET } from "./exchange.ts";
import { placeCall, type Scenario } from "./sip-call.ts";

const FIRST_PORT = 25_000;
let exchange: Exchange;
/** The role as an operator runs it on another machine than Asterisk's: it hears of calls by AMI alone. */
let jobs: { readonly spoke: () => string; readonly stop: () => Promise<void> };
const begun = new Date();

beforeAll(async () => {
  exchange = await openExchange({ firstPort: FIRST_PORT });
  jobs = startJobs();
  await eventually(async () => jobs.spoke().includes("ami.up"));
}, 90_000);
afterAll(async () => {
  await jobs.stop();
  await exchange[Symbol.asyncDispose]();
});

function startJobs() {
  const child = spawn(
    process.execPath,
    [path.resolve(import.meta.dirname, "../../bin/phone2pay.ts"), "serve", "--role", "jobs"],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...process.env,
        DATABASE_URL: exchange.databaseUrl,
        PHONE2PAY_AGI_SECRET: SECRET,
        PHONE2PAY_CALLER_HASH_KEY: SECRET,
        PHONE2PAY_WEBHOOK_KEY: SECRET,
        PHONE2PAY_AMI_HOST: "127.0.0.1",
        PHONE2PAY_AMI_PORT: String(FIRST_PORT + 2),
        PHONE2PAY_AMI_USER: "phone2pay",
        PHONE2PAY_AMI_SECRET: SECRET,
      },
    },
  );
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (said: string) => {
    text += said;
  });
  return {
    spoke: () => text,
    stop: async () => {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

function call(
  name: NumberName,
  scenario: Scenario,
  details: { readonly digits?: string; readonly hangUpAfterMs?: number } = {},
) {
  return placeCall({
    scenario,
    number: NUMBERS[name].number,
    sipPort: exchange.sipPort,
    timeoutMs: 80_000,
    ...details,
  });
}

async function pay(name: NumberName, scenario: Scenario, amountRappen: number, hangUpAfterMs?: number) {
  const { id, code } = await exchange.openPayment(name, { amountRappen });
  await call(name, scenario, { digits: code, ...(hangUpAfterMs === undefined ? {} : { hangUpAfterMs }) });
  await closedLegs(exchange.db, id, 1);
}

function refuse(number: string) {
  return placeCall({ scenario: "caller-is-refused", number, sipPort: exchange.sipPort, timeoutMs: 20_000 });
}

/** All that a record says, beside how it came here. */
function recordsIn(db: Db) {
  return db
    .selectFrom("call_records")
    .select(["uniqueid", "sequence", "number", "started_at", "answered_at", "ended_at", "duration_ms", "talk_ms"])
    .select(["disposition", "channel"])
    .orderBy("sequence")
    .execute();
}

const report = () => compareCalls(exchange.db, { since: begun, until: new Date(Date.now() + 1_000) }, 0);

test("paid, interrupted and refused calls: every record that AMI tells is the file's, and not one call drifts by a rappen", async () => {
  await Promise.all([
    pay("pulses", "caller-keys-code-and-waits", 30),
    pay("perCall", "caller-keys-code-and-waits", 300),
    pay("early", "caller-keys-early", 24),
    pay("pulses", "caller-hangs-up-half-way", 100, 15_040), // a pulse has just fallen
    pay("minutes", "caller-hangs-up-half-way", 400, 12_000),
    refuse("0900900999"),
  ]);
  const lines = await eventually(async () => {
    const cdrs = await exchange.cdrs();
    return cdrs.length >= 6 && cdrs;
  });
  const byAmi = await eventually(async () => {
    const records = await recordsIn(exchange.db);
    return records.length >= lines.length && records;
  });
  await using other = await cloneDatabase();
  const log = (event: string, details: unknown) => expect([event, details]).toBeNull();
  await openRecordImport({ db: other.db, file: exchange.asterisk.cdrFile, log }).importNew();
  expect(byAmi).toEqual(await recordsIn(other.db));
  expect(byAmi.map((record) => record.number ?? "").toSorted((a, b) => a.localeCompare(b))).toEqual([
    "0900900904",
    "0900900904",
    "0900900905",
    "0900900906",
    "0900900908",
    "0900900999",
  ]);

  const found = await report();
  expect([found.legsMissing, found.recordsMissing, found.drifts]).toEqual([[], [], []]);
  expect(found.sound).toBe(true);
  expect(found.lines.map(({ number, calls, matches }) => [number, calls, matches])).toEqual([
    ["0900900904", 2, 2],
    ["0900900905", 1, 1],
    ["0900900906", 1, 1],
    ["0900900908", 1, 1],
  ]);
  for (const line of found.lines) expect(line.billedRappen).toBe(line.owedRappen);
}, 120_000);

test("a call without its leg, a leg without its call, and a rappen beside what the record owes are each found", async () => {
  const { db } = exchange;
  const legs = await db.selectFrom("call_legs").select(["id", "uniqueid", "billed"]).orderBy("id").execute();
  const [dear, shown, silent] = legs;
  if (!dear || !shown || !silent) throw new Error("no calls");
  await db
    .updateTable("call_legs")
    .set({ billed: dear.billed + 1 })
    .where("id", "=", dear.id)
    .execute();
  // The books forget one call's name: Asterisk has a call that we don't know, and we have one that Asterisk doesn't.
  await db.updateTable("call_legs").set({ uniqueid: "unheard-of.1" }).where("id", "=", shown.id).execute();
  await db.updateTable("call_legs").set({ duration_ms: 1 }).where("id", "=", silent.id).execute();
  const found = await report();
  expect(found.sound).toBe(false);
  expect(found.legsMissing).toMatchObject([{ uniqueid: shown.uniqueid, kind: "leg_missing" }]);
  expect(found.recordsMissing).toMatchObject([{ uniqueid: "unheard-of.1", kind: "record_missing" }]);
  expect(Object.fromEntries(found.drifts.map(({ uniqueid, beyond }) => [uniqueid, beyond]))).toEqual({
    [dear.uniqueid]: ["money"],
    [silent.uniqueid]: ["talk"],
  });
});

test("text that was dialled forges no record: what isn't a number of ours never becomes a call", async () => {
  const before = await exchange.cdrs();
  const forged = '1.1","0900900904","","",1.000000,1.000000,9.000000,8.000000,8.000000,"ANSWERED","pay","PJSIP/x-1",9';
  const percent = (text: string) => Buffer.from(text).toString("hex").replace(/../g, "%$&");
  for (const number of [`0900900904${percent(`"\n"${forged}\n`)}`, `+${percent("\r\nUniqueID: 1.1\r\n\r\n")}`])
    expect(await refuse(number)).toMatchObject({ exitCode: 0, finalStatus: 404 });
  await refuse("0900900999");
  await eventually(async () => (await exchange.cdrs()).length === before.length + 1);
  expect(await readFile(exchange.asterisk.cdrFile, "utf8")).not.toContain("1.000000,9.000000");
}, 60_000);
