import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type AmiLink, superviseAmi } from "../../agi/ami-link.ts";
import { hangUpLeg, superviseLegs } from "../../agi/supervisor.ts";
import { startAsterisk } from "../../bin/asterisk.ts";
import { billedAfter } from "../../core/tariff.ts";
import { claimCode } from "../../db/codes.ts";
import { findTransaction } from "../../db/transactions.ts";
import { eventually } from "../support/eventually.ts";
import { seedLeg } from "../support/seed.ts";
import { closedLegs, type Exchange, NUMBERS, openExchange, SECRET } from "./exchange.ts";
import { placeCall } from "./sip-call.ts";

const FIRST_PORT = 23_000;
const ACCOUNT = { host: "127.0.0.1", port: FIRST_PORT + 2, user: "phone2pay", secret: SECRET };
/** A tenth of what holds in earnest. */
const LIMITS = { lookEveryMilliseconds: 3_000, graceMilliseconds: 1_000 };
const { number, segments } = NUMBERS.pulses;

let exchange: Exchange;
let link: AmiLink;
let supervisor: AsyncDisposable;
const told: (readonly [event: string, details: unknown])[] = [];

beforeAll(async () => {
  exchange = await openExchange({ firstPort: FIRST_PORT });
  link = superviseAmi(ACCOUNT);
  const log = (event: string, details: unknown) => told.push([event, details]);
  supervisor = superviseLegs({ db: exchange.db, link, worker: "supervisor", log, limits: LIMITS });
  await eventually(async () => link.up);
}, 60_000);
afterAll(async () => {
  await supervisor[Symbol.asyncDispose]();
  await link[Symbol.asyncDispose]();
  await exchange[Symbol.asyncDispose]();
});

/** A caller who keys the code and waits; answers the call's leg once it is bound to the transaction. */
async function callAndKey(id: string, code: string) {
  const calling = placeCall({
    scenario: "caller-keys-code-and-waits",
    number,
    digits: code,
    sipPort: exchange.sipPort,
    timeoutMs: 60_000,
  });
  const leg = await eventually(() => legOf(id));
  return { calling, leg };
}

function legOf(transactionId: string) {
  return exchange.db
    .selectFrom("call_legs")
    .select(["id", "uniqueid", "owner"])
    .where("transaction_id", "=", transactionId)
    .where("ended_at", "is", null)
    .executeTakeFirst();
}

/** What a voice server leaves behind that died in mid-call: an open leg that holds a transaction, and no channel. */
async function leaveLegBehind(uniqueid: string) {
  const { id, code, transaction } = await exchange.openPayment("pulses");
  const { tariffId } = transaction;
  const leg = await seedLeg(exchange.db, { number, tariffId }, { uniqueid, owner: "dead" });
  const bound = {
    leg: leg.id,
    epoch: leg.epoch,
    number,
    code,
    testAllowed: false,
    segments,
    wrongBefore: 0,
    codeBeforeAnswer: false,
  };
  expect(await claimCode(exchange.db, bound)).toMatchObject({ outcome: "claimed" });
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "calling" });
  return { id, uniqueid };
}

async function renewLease(transactionId: string, forMs: number): Promise<void> {
  const lease_until = new Date(Date.now() + forMs);
  await exchange.db.updateTable("call_legs").set({ lease_until }).where("transaction_id", "=", transactionId).execute();
}

/** The operator's command, as a process. */
async function phone2pay(...words: readonly string[]): Promise<string> {
  const program = path.resolve(import.meta.dirname, "../../bin/phone2pay.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...words], { env: operatorsEnvironment() });
  return stdout;
}

function operatorsEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    DATABASE_URL: exchange.databaseUrl,
    PHONE2PAY_AGI_SECRET: SECRET,
    PHONE2PAY_CALLER_HASH_KEY: SECRET,
    PHONE2PAY_WEBHOOK_KEY: SECRET,
    PHONE2PAY_AMI_HOST: ACCOUNT.host,
    PHONE2PAY_AMI_PORT: String(ACCOUNT.port),
    PHONE2PAY_AMI_USER: ACCOUNT.user,
    PHONE2PAY_AMI_SECRET: ACCOUNT.secret,
  };
}

test("the channels that Asterisk lists are the calls that there are; one ended on the operator's word is billed by Asterisk's times", async () => {
  const { id, code } = await exchange.openPayment("pulses", { amountRappen: 100 });
  const { calling, leg } = await callAndKey(id, code);
  const channels = await link.coreShowChannels();
  expect(channels).toEqual([
    {
      uniqueid: leg.uniqueid,
      linkedid: leg.uniqueid,
      channel: expect.stringMatching(/^PJSIP\/loopback-/),
      state: "Up",
      callerId: "0441234567",
      exten: number,
      durationSeconds: expect.any(Number),
    },
  ]);
  await expect(phone2pay("hang-up", "1.1")).rejects.toThrow("Asterisk has no call 1.1");
  await eventually(async () => ((await findTransaction(exchange.db, id))?.billedRappen ?? 0) >= 30);
  const [line] = JSON.parse(await phone2pay("lines", "--json"));
  expect(line).toMatchObject({ uniqueid: leg.uniqueid, number, trunk: "demo", callerHint: "67", state: "paying" });
  expect(line).toMatchObject({ merchant: "Disques du Léman", totalRappen: 100, owner: leg.owner });
  expect(line.paidRappen).toBeGreaterThanOrEqual(30);
  expect(await phone2pay("lines")).toMatch(
    /0900900904 {2}caller …67 {2}Disques du Léman {2}paying .* of 1\.00\n1 call under way/,
  );
  expect(await phone2pay("hang-up", leg.uniqueid)).toBe(`ended: ${leg.uniqueid}\n`);
  expect(await calling).toMatchObject({ endedBy: "asterisk" });
  const [closed] = await closedLegs(exchange.db, id, 1);
  if (!closed) throw new Error("no leg");
  const cdr = await eventually(async () => (await exchange.cdrs()).find((line) => line.uniqueid === leg.uniqueid));
  expect(closed.end_reason).toBe("caller_hung_up");
  expect(Math.abs((closed.duration_ms ?? 0) - cdr.talkMs)).toBeLessThan(5);
  expect(closed.billed).toBe(billedAfter(segments, cdr.talkMs));
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "open", billedRappen: closed.billed });
  expect(await link.coreShowChannels()).toEqual([]);
});

test("a leg without a channel is closed and its transaction open again, while that of a live call and those of another Asterisk are left alone", async () => {
  const live = await exchange.openPayment("pulses", { amountRappen: 60 });
  const { calling, leg } = await callAndKey(live.id, live.code);
  const gone = await leaveLegBehind("1700000000.1");
  const elsewhere = await leaveLegBehind("line2-1700000000.2");
  const lookedAfter = await leaveLegBehind("1700000000.3");
  await renewLease(lookedAfter.id, 3_600_000);
  await renewLease(live.id, -3_600_000); // its worker is silent, but Asterisk has its channel
  const [closed] = await closedLegs(exchange.db, gone.id, 1);
  expect(closed).toMatchObject({ uniqueid: gone.uniqueid, end_reason: "channel_gone", billed: 0, duration_ms: null });
  expect(await findTransaction(exchange.db, gone.id)).toMatchObject({ status: "open" });
  expect(told).toContainEqual(["leg.channel_gone", { uniqueid: gone.uniqueid }]);
  expect(await findTransaction(exchange.db, elsewhere.id)).toMatchObject({ status: "calling" });
  expect(await findTransaction(exchange.db, lookedAfter.id)).toMatchObject({ status: "calling" });
  expect(await legOf(live.id)).toEqual(leg);
  expect(await calling).toMatchObject({ exitCode: 0, endedBy: "asterisk" });
  expect(await findTransaction(exchange.db, live.id)).toMatchObject({ status: "paid", exception: "none" });
}, 90_000);

test("the jobs of an operator's installation connect when they are told of the manager interface", async () => {
  const jobs = spawn(
    process.execPath,
    [path.resolve(import.meta.dirname, "../../bin/phone2pay.ts"), "serve", "--role", "jobs"],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: operatorsEnvironment(),
    },
  );
  let log = "";
  jobs.stdout.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const exited = once(jobs, "exit");
  try {
    await eventually(async () => log.includes('"ami.up"'));
  } finally {
    jobs.kill("SIGTERM");
  }
  expect(await exited).toEqual([0, null]);
  expect(log).not.toContain(SECRET);
});

test("Asterisk is restarted in mid-call: the link comes back by itself, and what the old one left open is closed", async () => {
  const { id, code } = await exchange.openPayment("pulses", { amountRappen: 100 });
  const { calling } = await callAndKey(id, code);
  const gone = await leaveLegBehind("1700000000.4");
  await exchange.asterisk.stop();
  await eventually(async () => !link.up);
  expect(await link.ping().catch((error: unknown) => error)).toMatchObject({ kind: "unreachable" });
  expect(await hangUpLeg(link, "1.1").catch((error: unknown) => error)).toMatchObject({ kind: "unreachable" });

  const directory = await mkdtemp(path.join(tmpdir(), "supervisor-"));
  await using resources = new AsyncDisposableStack();
  resources.defer(() => rm(directory, { recursive: true, force: true }));
  resources.use(
    await startAsterisk({
      directory,
      sipPort: FIRST_PORT,
      httpPort: FIRST_PORT + 1,
      amiPort: ACCOUNT.port,
      rtpPorts: [FIRST_PORT + 100, FIRST_PORT + 899],
      agiServers: [`127.0.0.1:${exchange.agiPorts[0]}`, `127.0.0.1:${exchange.agiPorts[1]}`],
      agiSecret: SECRET,
      amiSecret: SECRET,
      softphonePasswords: [],
    }),
  );
  await eventually(async () => link.up, 40_000);
  expect(await link.coreShowChannels()).toEqual([]);
  expect(await closedLegs(exchange.db, gone.id, 1)).toMatchObject([{ end_reason: "channel_gone" }]);
  await closedLegs(exchange.db, id, 1);
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "open" });
  await calling;
  // And it is as good as new: the shopper pays the rest.
  const again = await callAndKey(id, await exchange.newCode(id));
  expect((await link.coreShowChannels()).map((channel) => channel.uniqueid)).toEqual([again.leg.uniqueid]);
  expect(await again.calling).toMatchObject({ exitCode: 0 });
  expect(await findTransaction(exchange.db, id)).toMatchObject({ status: "paid" });
}, 240_000);
