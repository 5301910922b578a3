import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { PROMPTS_SHIPPED } from "../../agi/prompts.ts";
import { serveAgi } from "../../agi/server.ts";
import { openVoiceServer } from "../../agi/voice-server.ts";
import { CODE_TRIES_MAX } from "../../core/lock-outs.ts";
import { claimCode } from "../../db/codes.ts";
import type { OpenDatabase } from "../../db/database.ts";
import { changeTariff } from "../../db/tariff-changes.ts";
import { findTransaction } from "../../db/transactions.ts";
import { cloneDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import {
  type Seeded,
  seedAnsweredLeg,
  seedClaim,
  seedLeg,
  seedMerchant,
  seedTariff,
  seedTransaction,
  TEN_RAPPEN_A_SECOND,
} from "../support/seed.ts";
import { RawAsterisk } from "./raw-asterisk.ts";

const SECRET = "a-secret-for-tests-only";
/** How long after its answer each call is taken over here. */
const ANSWERED_MS_AGO = 3_000;
/** Then Asterisk answers for so long: pulses fall at 0, 5 and 10 s after answer. */
const PLAYED_MS = 8_000;

let database: OpenDatabase;
let seeded: Seeded;
let port = 0;
let calls = 0;
const resources = new AsyncDisposableStack();

beforeAll(async () => {
  database = resources.use(await cloneDatabase());
  seeded = await seedMerchant(database.db);
  const journalDirectory = resources.use(await mkdtempDisposable(path.join(tmpdir(), "hard-calls-"))).path;
  const shared = { db: database.db, callerHashKey: SECRET, promptsDirectory: PROMPTS_SHIPPED, journalDirectory };
  const voice = resources.use(await openVoiceServer({ ...shared, worker: "test", log: () => {} }));
  const server = await serveAgi(voice, { host: "127.0.0.1", port: 0, secret: SECRET, callsMax: 100 });
  port = resources.use(server).port;
});
afterAll(async () => {
  await resources.disposeAsync();
});

const newUniqueid = () => `1700000000.${++calls}`;

/** A leg that another server has served until now. */
function legToTakeOver(on: Seeded = seeded) {
  return seedLeg(database.db, on, { uniqueid: newUniqueid() });
}

/** The same, answered and with its code claimed. */
async function payingLeg(amountRappen: number, on: Seeded = seeded, msAgo = ANSWERED_MS_AGO) {
  const { db } = database;
  const leg = await seedAnsweredLeg(db, on, { uniqueid: newUniqueid(), msAgo });
  const { id } = await seedTransaction(db, on, { amountRappen });
  await seedClaim(db, on, { leg, transactionId: id });
  return { leg, id };
}

function connect(uniqueid: string, number: string): Promise<RawAsterisk> {
  const environment = [
    "agi_network: yes",
    "agi_network_script: pay",
    "agi_request: agi://127.0.0.1/pay",
    `agi_uniqueid: ${uniqueid}`,
    "agi_callerid: 0441234567",
    "agi_callingpres: 0",
    `agi_arg_1: ${SECRET}`,
    "agi_arg_2: demo",
    `agi_arg_3: ${number}`,
  ];
  return RawAsterisk.connect(port, `${environment.join("\n")}\n\n`);
}

/** Answers what a voice server asks, as Asterisk would; `billsec` in seconds, null while the call isn't answered. */
function replyTo(command: string, billsec: number | null): string {
  const value = (text: string) => `200 result=1 (${text})\n`;
  if (command.startsWith("SET VARIABLE")) return "200 result=1\n";
  if (!command.startsWith("GET ")) return "200 result=0\n";
  if (command.includes("CHANNEL(state)")) return value(billsec === null ? "Ring" : "Up");
  if (command.includes("CDR(answer")) return value(billsec === null ? "0.000000" : "1700000000.000000");
  if (command.includes("CDR(billsec")) return value((billsec ?? 0).toFixed(6));
  return "200 result=0\n";
}

/** Plays Asterisk until the server sends a command that holds `until`, or lets go; answers all it sent. */
async function playUntil(until: string, call: { uniqueid: string; number?: string; billsec?: number | null }) {
  const { uniqueid, number = seeded.number, billsec = ANSWERED_MS_AGO / 1_000 } = call;
  const asterisk = await connect(uniqueid, number);
  const closed = asterisk.closed().then(() => null);
  const said: string[] = [];
  for (;;) {
    const line = await Promise.race([asterisk.line(), closed]);
    if (line === null) break;
    said.push(line);
    if (line.includes(until)) break;
    asterisk.send(replyTo(line, billsec));
  }
  asterisk.socket.destroy();
  return said;
}

function backstops(said: readonly string[]): readonly number[] {
  return said.flatMap((line) => (line.includes("TIMEOUT(absolute)") ? [Number(/"([0-9.]+)"$/.exec(line)?.[1])] : []));
}

test("a call taken over right after its answer has a backstop while the code is asked", async () => {
  const { uniqueid } = await legToTakeOver();
  const said = await playUntil("EXEC Read", { uniqueid });
  expect(backstops(said)).toHaveLength(1);
});

test("a call under way whose number goes out of service goes on with another server, and isn't judged again", async () => {
  const on = await seedMerchant(database.db, { number: "0901000001" });
  const { leg } = await payingLeg(100, on);
  await database.db.updateTable("smart_numbers").set({ in_service: false }).where("number", "=", on.number).execute();
  const said = await playUntil("StartMusicOnHold", { uniqueid: leg.uniqueid, number: on.number });
  expect(said.at(-1)).toContain("StartMusicOnHold");
  expect(said.join(" ")).not.toMatch(/P2P_CLOSED|P2P_DONE|not-in-service/);
});

test("Asterisk's clock was set back: the call taken over ends when it would have ended", async () => {
  const { leg } = await payingLeg(100, seeded, 40_000); // its window closes at 49.75 s
  const said = await playUntil("StartMusicOnHold", { uniqueid: leg.uniqueid, billsec: -3_560 });
  expect(said.at(-1)).toContain("StartMusicOnHold");
  expect(backstops(said)).not.toEqual([]);
  for (const seconds of backstops(said)) expect(seconds).toBeLessThan(11);
});

test("a call that is taken over goes on at the price it was answered at, whatever its number costs by now", async () => {
  const { db } = database;
  const on = await seedMerchant(db, { number: "0901000002" });
  const { leg } = await payingLeg(100, on); // its window closes at 49.75 s, and at the new price before 10 s
  await changeTariff(db, { number: on.number, tariffId: await seedTariff(db, TEN_RAPPEN_A_SECOND), from: null });
  const said = await playUntil("StartMusicOnHold", { uniqueid: leg.uniqueid, number: on.number });
  expect(backstops(said).at(-1)).toBeGreaterThan(40);
});

test("wrong codes keyed on a server that died count against the tries of their call on the next one", async () => {
  const leg = await legToTakeOver();
  const { number, segments } = seeded;
  const line = { leg: leg.id, epoch: leg.epoch, number, segments, testAllowed: true, codeBeforeAnswer: false };
  for (let wrongBefore = 0; wrongBefore < CODE_TRIES_MAX - 1; wrongBefore++)
    expect((await claimCode(database.db, { ...line, code: "0000", wrongBefore })).outcome).toBe("unknown");
  const said = await playUntil("code-too-many", { uniqueid: leg.uniqueid });
  expect(said.at(-1)).toContain("code-too-many");
  expect(said.filter((line) => line.includes("EXEC Read"))).toHaveLength(1);
});

test("between the price and the answer five seconds pass, in which keys are listened to", async () => {
  const segments = [{ kind: "time", rappenPerMinute: 300, incrementSeconds: 2 }] as const;
  const { number } = await seedMerchant(database.db, { number: "0901000003", segments });
  const said = await playUntil("EXEC Read", { uniqueid: newUniqueid(), number, billsec: null });
  expect(said.join(" ")).not.toContain("ANSWER");
  const seconds = Number(/,([0-9.]+)"$/.exec(said.at(-1) ?? "")?.[1]);
  expect(seconds).toBeGreaterThan(4.9);
});

test("Asterisk let a caller go when their time was up, and we hear so late: no pulse falls in between", async () => {
  const on = await seedMerchant(database.db, { number: "0901000004", segments: TEN_RAPPEN_A_SECOND });
  const { leg, id } = await payingLeg(80, on); // paid by the pulse at 7 s; the next one falls at 8 s
  const asterisk = await connect(leg.uniqueid, on.number);
  const beganAt = performance.now();
  const ageMs = () => ANSWERED_MS_AGO + performance.now() - beganAt;
  const silent = new Promise<null>((resolve) => setTimeout(() => resolve(null), 6_500 - ANSWERED_MS_AGO));
  for (;;) {
    const line = await Promise.race([asterisk.line(), silent]);
    if (line === null) break;
    asterisk.send(replyTo(line, ageMs() / 1_000));
  }
  await new Promise((resolve) => setTimeout(resolve, 8_400 - ageMs()));
  asterisk.send("HANGUP\n");
  const closed = () =>
    database.db.selectFrom("call_legs").select(["billed", "end_reason"]).where("id", "=", leg.id).executeTakeFirst();
  await eventually(async () => (await closed())?.end_reason);
  asterisk.socket.destroy();
  expect(await closed()).toEqual({ billed: 80, end_reason: "backstop" });
  expect(await findTransaction(database.db, id)).toMatchObject({ status: "paid", exception: "none" });
});

/** Serves a paying call for eight seconds; then its Asterisk is gone, with a word from its system or without. */
async function loseAsterisk(amountRappen: number, how: "closes" | "is silent") {
  const { leg, id } = await payingLeg(amountRappen);
  const asterisk = await connect(leg.uniqueid, seeded.number);
  const beganAt = performance.now();
  const over = new Promise<null>((resolve) => setTimeout(() => resolve(null), PLAYED_MS));
  for (;;) {
    const line = await Promise.race([asterisk.line(), over]);
    if (line === null) break;
    asterisk.send(replyTo(line, (ANSWERED_MS_AGO + performance.now() - beganAt) / 1_000));
  }
  if (how === "closes") asterisk.socket.destroy();
  await asterisk.closed(); // at once, or when the server has waited in vain
  // Longer than whatever the server does behind a call that is over (agi/hang-up.ts).
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  const row = await eventually(() =>
    database.db.selectFrom("call_legs").select(["billed", "ended_at"]).where("id", "=", leg.id).executeTakeFirst(),
  );
  return { row, transaction: await findTransaction(database.db, id) };
}

test.concurrent.each([
  ["closes", 50],
  ["is silent", 100],
] as const)(
  "the connection %s in mid-call: only what the line is proved to have outlived is billed, and the leg is left to Asterisk's record",
  async (how, amountRappen) => {
    const { row, transaction } = await loseAsterisk(amountRappen, how);
    expect(row).toEqual({ billed: 30, ended_at: null });
    expect(transaction).toMatchObject({ status: "calling", billedRappen: 30 });
  },
);
