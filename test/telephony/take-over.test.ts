import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { FastifyInstance } from "fastify";
import { readEndedCalls } from "../../bin/call-records.ts";
import { composeHttp } from "../../bin/serve-http.ts";
import { billedAfter, pulsesOf } from "../../core/tariff.ts";
import { claimCode } from "../../db/codes.ts";
import { type NoticeWatch, watchTransactions } from "../../db/notices.ts";
import { bookPulses } from "../../db/pulses.ts";
import { findTransaction } from "../../db/transactions.ts";
import { keepUp } from "../../db/upkeep.ts";
import { eventually } from "../support/eventually.ts";
import { seedAnsweredLeg } from "../support/seed.ts";
import { WEBHOOKS } from "../support/webhooks.ts";
import { closedLegs, type Exchange, NUMBERS, openExchange, SECRET } from "./exchange.ts";
import { placeCall } from "./sip-call.ts";

let exchange: Exchange;
let watch: NoticeWatch;
const workers = new Map<number, ChildProcess>();

beforeAll(async () => {
  exchange = await openExchange({ firstPort: 21_000, serveHere: false });
  await Promise.all(exchange.agiPorts.map(startWorker));
  watch = await watchTransactions(exchange.databaseUrl);
  const http = { host: "", port: 0, baseUrl: "http://127.0.0.1:8080", trustProxy: false };
  pages = await composeHttp({
    config: { http, provider: { name: "Exemple", address: "Pully" }, webhooks: WEBHOOKS },
    db: exchange.db,
    watch,
  });
}, 120_000);
afterAll(async () => {
  await Promise.all([...workers.keys()].map(kill));
  await pages.close();
  await watch[Symbol.asyncDispose]();
  await exchange[Symbol.asyncDispose]();
});

/** The shopper's pages, to see what they say. */
let pages: FastifyInstance;

/** A voice server as an operator runs it: a process of its own. */
async function startWorker(port: number): Promise<void> {
  const worker = spawn(
    process.execPath,
    [path.resolve(import.meta.dirname, "../../bin/phone2pay.ts"), "serve", "--role", "agi"],
    {
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        ...process.env,
        DATABASE_URL: exchange.databaseUrl,
        PHONE2PAY_AGI_PORT: String(port),
        PHONE2PAY_AGI_SECRET: SECRET,
        PHONE2PAY_CALLER_HASH_KEY: SECRET,
        PHONE2PAY_WEBHOOK_KEY: SECRET,
        PHONE2PAY_PROMPTS_DIRECTORY: exchange.asterisk.promptsDirectory,
        PHONE2PAY_JOURNAL_DIRECTORY: exchange.journalDirectory,
        PHONE2PAY_LOG_LEVEL: "silent",
      },
    },
  );
  workers.set(port, worker);
  await eventually(() => accepts(port));
}

async function kill(port: number): Promise<void> {
  const worker = workers.get(port);
  workers.delete(port);
  if (!worker || worker.exitCode !== null || worker.signalCode !== null) return;
  worker.kill("SIGKILL");
  await once(worker, "exit");
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** The port of the worker that holds the call of this transaction now. */
async function portServing(transactionId: string): Promise<number> {
  const owner = await eventually(async () => {
    const leg = await exchange.db
      .selectFrom("call_legs")
      .select(["owner"])
      .where("transaction_id", "=", transactionId)
      .where("ended_at", "is", null)
      .executeTakeFirst();
    return leg?.owner;
  });
  const found = [...workers].find(([, worker]) => owner.split("/")[1] === String(worker.pid));
  if (!found) throw new Error(`nobody is ${owner}`);
  return found[0];
}

async function expectPaidByTheBook(id: string, epochAtLeast: number): Promise<void> {
  const { segments } = NUMBERS.pulses;
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "paid", exception: "none" });
  const [leg] = await closedLegs(exchange.db, id, 1);
  if (!leg) throw new Error("no leg");
  expect(leg.epoch).toBeGreaterThanOrEqual(epochAtLeast);
  const cdr = await eventually(async () => (await exchange.cdrs()).find((line) => line.uniqueid === leg.uniqueid));
  expect(leg.billed).toBe(billedAfter(segments, cdr.talkMs));
  const pulses = await exchange.db
    .selectFrom("pulses")
    .select("sequence")
    .where("call_leg_id", "=", leg.id)
    .orderBy("sequence")
    .execute();
  expect(pulses.map((pulse) => pulse.sequence)).toEqual(pulses.map((_, index) => index + 1));
  const page = await pages.inject(`/pay/${id}`);
  expect(page.body).toMatch(/<h1[^>]*data-status="paid"/);
}

test("a voice server is killed in mid-call: the next one goes on, no pulse is lost or doubled, and the shopper has paid", async () => {
  const { id, code } = await exchange.openPayment("pulses", { amountRappen: 60 });
  const calling = placeCall({
    scenario: "caller-keys-code-and-waits",
    number: NUMBERS.pulses.number,
    digits: code,
    sipPort: exchange.sipPort,
    timeoutMs: 60_000,
  });
  await eventually(async () => ((await findTransaction(exchange.db, id))?.billedRappen ?? 0) >= 30);
  const port = await portServing(id);
  await kill(port);
  await startWorker(port);
  expect(await calling).toMatchObject({ exitCode: 0, endedBy: "asterisk" });
  await expectPaidByTheBook(id, 2);
}, 90_000);

test("both voice servers are killed in mid-call and come back: the call is kept, metered from its answer, and paid", async () => {
  const { id, code } = await exchange.openPayment("pulses", { amountRappen: 80 });
  const calling = placeCall({
    scenario: "caller-keys-code-and-waits",
    number: NUMBERS.pulses.number,
    digits: code,
    sipPort: exchange.sipPort,
    timeoutMs: 80_000,
  });
  await eventually(async () => ((await findTransaction(exchange.db, id))?.billedRappen ?? 0) >= 30);
  await Promise.all(exchange.agiPorts.map(kill));
  await Promise.all(exchange.agiPorts.map(startWorker));
  expect(await calling).toMatchObject({ exitCode: 0, endedBy: "asterisk" });
  await expectPaidByTheBook(id, 2);
}, 120_000);

test("no server is there when the caller hangs up: the upkeep job closes the leg by Asterisk's record, and nothing is lost", async () => {
  const { id, code } = await exchange.openPayment("pulses", { amountRappen: 100 });
  const calling = placeCall({
    scenario: "caller-hangs-up-half-way",
    number: NUMBERS.pulses.number,
    digits: code,
    hangUpAfterMs: 20_400, // a pulse has just fallen, and nobody has booked it
    sipPort: exchange.sipPort,
    timeoutMs: 60_000,
  });
  await eventually(async () => ((await findTransaction(exchange.db, id))?.billedRappen ?? 0) >= 40, 40_000);
  await Promise.all(exchange.agiPorts.map(kill));
  await calling;
  await exchange.db
    .updateTable("call_legs")
    .set({ lease_until: new Date() })
    .where("transaction_id", "=", id)
    .execute();
  const endedCalls = (ids: readonly string[]) => readEndedCalls(exchange.asterisk.cdrFile, ids);
  await keepUp(exchange.db, { worker: "upkeep", closeAbandoned: false, endedCalls });
  await Promise.all(exchange.agiPorts.map(startWorker));
  const [leg] = await closedLegs(exchange.db, id, 1);
  expect(leg).toMatchObject({ end_reason: "caller_hung_up", billed: 50 });
  const cdr = await eventually(async () => (await exchange.cdrs()).find((line) => line.uniqueid === leg?.uniqueid));
  expect(leg?.billed).toBe(billedAfter(NUMBERS.pulses.segments, cdr.talkMs));
  expect(await findTransaction(exchange.db, id)).toMatchObject({
    status: "open",
    exception: "underpaid",
    billedRappen: 50,
  });
}, 90_000);

test("a leg that nobody closed is closed by the upkeep job, and what was booked stays the shopper's credit", async () => {
  const { db } = exchange;
  const { id, code, transaction } = await exchange.openPayment("pulses", { amountRappen: 100 });
  const { segments, number } = NUMBERS.pulses;
  const { tariffId } = transaction;
  const leg = await seedAnsweredLeg(db, { number, tariffId }, { uniqueid: "left-open", msAgo: 20_000 });
  await claimCode(db, {
    leg: leg.id,
    epoch: leg.epoch,
    number,
    code,
    testAllowed: false,
    segments,
    wrongBefore: 0,
    codeBeforeAnswer: false,
  });
  await bookPulses(db, [{ leg: leg.id, epoch: leg.epoch, pulses: pulsesOf(segments).slice(0, 3) }]);
  await db
    .updateTable("call_legs")
    .set({ lease_until: new Date(Date.now() - 3_600_000) })
    .where("id", "=", leg.id)
    .execute();
  await keepUp(db, { worker: "upkeep", closeAbandoned: true });
  expect(await closedLegs(db, id, 1)).toMatchObject([{ end_reason: "abandoned", billed: 30 }]);
  expect(await findTransaction(db, id)).toMatchObject({ status: "open", exception: "underpaid", billedRappen: 30 });
});
