import { fork } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { sql } from "kysely";
import type { Db } from "../db/database.ts";
import { findTransaction } from "../db/transactions.ts";
import { percentile } from "../test/load/figures.ts";
import { aligned, loadAverages, machine, megabytes } from "../test/load/report.ts";
import { seedMerchant, seedTransaction } from "../test/support/seed.ts";
import { openFreshDatabase } from "./fresh-database.ts";
import type { Answers, Attack } from "./guessing-process.ts";
import { type Asked, ask } from "./one-request.ts";
import { latenessOf, openPages, type Pages } from "./pages-process.ts";
import { startPagesServer } from "./pages-server.ts";
import { type BookedPulse, bookNext, openRunningPayments, type RunningPayment } from "./running-payments.ts";
import type { Heard, Watched } from "./watching-pages.ts";

/** «At 100 tries a second for a minute.» */
const TRIES_PER_SECOND = 100;
const ATTACK_SECONDS = 60;
const QUIET_SECONDS = 30;
const PAYMENTS = 20;
const WATCHERS = 100;
const PASSES = 20;
/** Honest requests of each kind come so often, and a pulse of each payment. */
const HONEST_EVERY_MS = 100;
const PULSES_EVERY_MS = 500;
/** Nobody feels less than this; above, the p99 of an attacked server may be twice that of a quiet one. */
const FELT_MS_MIN = 50;
const SLOWER_MAX = 2;
/** What answers nothing: unknown, or told to wait. */
const NOTHING = ["404", "429"];

/**
 * `npm run bench:guessing`: what honest people feel while somebody guesses ids and access codes, beside what they feel
 * without, in one run; and whether anything was found. Server, pages and guesser are processes of their own.
 */
async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: { addresses: { type: "string", default: "20000" } } });
  const addresses = Number(values.addresses);
  await using database = await openFreshDatabase("bench_guessing");
  const { db } = database;
  const payments = await openRunningPayments(db, PAYMENTS);
  const merchant = await seedMerchant(db, { number: "0900902000" });
  const passes = await openPaidPasses(db, merchant);
  await using server = await startPagesServer(database.url);
  await using pages = openPages();
  const ids = payments.map(({ id }) => id);
  await pages.order<Watched>({ what: "watch", port: server.port, ids, watchers: WATCHERS });

  const feel = (seconds: number) => feelFor(seconds, { db, port: server.port, pages, payments, passes });
  await feel(3); // what is compiled at the first time is nobody's attack
  const before = await server.memoryLeft();
  const cpuAt = [server.cpuSeconds()];
  const quiet = await feel(QUIET_SECONDS);
  cpuAt.push(server.cpuSeconds());
  const attack = { port: server.port, apiKey: merchant.liveKey, perSecond: TRIES_PER_SECOND, seconds: ATTACK_SECONDS };
  const [attacked, answers] = await Promise.all([feel(ATTACK_SECONDS), guess({ ...attack, addresses })]);
  cpuAt.push(server.cpuSeconds());
  const after = await server.memoryLeft();
  console.log(
    `${machine()}, load averages ${loadAverages()}\n${TRIES_PER_SECOND} tries a second for ${ATTACK_SECONDS} s from ${addresses} addresses`,
  );
  console.log(aligned(answerTable(answers)).join("\n"));
  console.log(aligned(feltTable(quiet, attacked)).join("\n"));
  const [start = 0, middle = 0, end = 0] = cpuAt;
  const percent = (seconds: number, of: number) => `${((100 * seconds) / of).toFixed(0)} %`;
  console.log(
    `the server took ${percent(middle - start, QUIET_SECONDS)} of a processor in quiet, ` +
      `${percent(end - middle, ATTACK_SECONDS)} under attack`,
  );
  console.log(`the server's heap: ${megabytes(before.heapUsed)} MB before, ${megabytes(after.heapUsed)} MB after`);
  return judge(quiet, attacked, answers);
}

interface Answer {
  readonly status: number;
  readonly ms: number;
}
/** What honest people were answered, and how fast. */
type Felt = Readonly<Record<"page" | "resume" | "byId" | "byCode" | "pulse", Answer[]>>;
const KINDS = {
  page: "a shopper's page",
  resume: "a payment taken up by its id",
  byId: "a pass opened by its id",
  byCode: "a pass opened by its code",
  pulse: "a pulse told to a page",
} as const satisfies Readonly<Record<keyof Felt, string>>;

/** Does what honest people do, each from an address of their own, for so long. */
async function feelFor(
  seconds: number,
  parts: {
    readonly db: Db;
    readonly port: number;
    readonly pages: Pages;
    readonly payments: readonly RunningPayment[];
    readonly passes: Awaited<ReturnType<typeof openPaidPasses>>;
  },
): Promise<Felt> {
  const { db, port, pages, payments, passes } = parts;
  await pages.order({ what: "tell" });
  const booked: BookedPulse[] = [];
  const felt: Felt = { page: [], byId: [], resume: [], byCode: [], pulse: [] };
  const until = performance.now() + seconds * 1_000;
  const every = async (ms: number, work: () => Promise<unknown>) => {
    while (performance.now() < until) await Promise.all([work(), sleep(ms)]);
  };
  const honest = (name: Exclude<keyof Felt, "pulse">, asked: () => Pick<Asked, "path" | "form">) =>
    every(HONEST_EVERY_MS, async () => {
      const localAddress = `127.${randomInt(20, 60)}.${randomInt(256)}.${randomInt(1, 255)}`;
      felt[name].push(await ask({ port, localAddress, ...asked() }));
    });
  const payment = () => payments[randomInt(payments.length)]?.id ?? "";
  const pass = () => passes[randomInt(passes.length)] ?? { id: "", code: "" };
  await Promise.all([
    honest("page", () => ({ path: `/pay/${payment()}` })),
    honest("resume", () => ({ path: "/resume", form: { id: payment() } })),
    honest("byId", () => ({ path: "/access", form: { access: pass().id } })),
    honest("byCode", () => ({ path: "/access", form: { access: pass().code } })),
    every(PULSES_EVERY_MS, async () => booked.push(...(await bookNext(db, payments)))),
  ]);
  await sleep(1_000);
  const { lateMs, lost } = latenessOf(booked, await pages.order<readonly Heard[]>({ what: "tell" }));
  felt.pulse.push(...lateMs.map((ms) => ({ status: 200, ms })), ...Array(lost).fill({ status: 0, ms: Number.NaN }));
  return felt;
}

async function openPaidPasses(db: Db, merchant: Awaited<ReturnType<typeof seedMerchant>>) {
  const passes = [];
  for (let n = 0; n < PASSES; n++) {
    const { id } = await seedTransaction(db, merchant, { accessDays: 31 });
    passes.push({ id, code: (await findTransaction(db, id))?.accessCode ?? "" });
  }
  await sql`update transactions set status = 'confirmed', billed = total, paid_at = now(), confirmed_at = now()
    where id = any(${passes.map(({ id }) => id)}::uuid[])`.execute(db);
  return passes;
}

async function guess(attack: Attack): Promise<Answers> {
  const guesser = fork(path.join(import.meta.dirname, "guessing-process.ts"));
  guesser.send(attack);
  const [answers] = (await once(guesser, "message")) as [Answers];
  return answers;
}

function answerTable(answers: Answers): readonly (readonly string[])[] {
  const statuses = [...new Set(Object.values(answers).flatMap((counts) => Object.keys(counts)))].sort();
  const rows = Object.entries(answers).map(([way, counts]) => [
    way,
    ...statuses.map((status) => String(counts[Number(status)] ?? 0)),
  ]);
  return [["guesses, by answer", ...statuses], ...rows];
}

function feltTable(quiet: Felt, attacked: Felt): readonly (readonly string[])[] {
  const names = Object.keys(KINDS) as (keyof Felt)[];
  const rows = names.map((name) => {
    const of = (felt: Felt) => [50, 99].map((percent) => percentile(times(felt[name]), percent).toFixed(1));
    return [KINDS[name], ...of(quiet), ...of(attacked), `${refused(attacked[name])} of ${attacked[name].length}`];
  });
  return [["honest people, ms", "p50 quiet", "p99", "p50 attacked", "p99", "refused"], ...rows];
}

function judge(quiet: Felt, attacked: Felt, answers: Answers): boolean {
  const found = Object.values(answers).flatMap((counts) => Object.keys(counts).filter((s) => !NOTHING.includes(s)));
  const faults = found.length > 0 ? [`guesses were answered ${[...new Set(found)].join(", ")}`] : [];
  for (const name of Object.keys(KINDS) as (keyof Felt)[]) {
    const [before, during] = [quiet, attacked].map((felt) => percentile(times(felt[name]), 99)) as [number, number];
    if (!(during <= Math.max(FELT_MS_MIN, SLOWER_MAX * before))) faults.push(`${KINDS[name]} was slowed down`);
    if (refused(attacked[name]) > 0) faults.push(`${KINDS[name]} was refused`);
  }
  for (const fault of faults) console.log(`✗ ${fault}`);
  if (faults.length === 0) console.log("✓ nothing was found, and nobody was refused or slowed down");
  return faults.length === 0;
}

function times(answers: readonly Answer[]): readonly number[] {
  return answers.map(({ ms }) => ms);
}

function refused(answers: readonly Answer[]): number {
  return answers.filter(({ status }) => status !== 200 && status !== 303).length;
}

process.exitCode = (await main()) ? 0 : 1;
