import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import path from "node:path";
import autocannon from "autocannon";
import pg from "pg";
import { loadSecrets } from "../bin/demo-secrets.ts";
import { DEMO_MERCHANT_NUMBER, seedDemo } from "../bin/demo-seed.ts";
import type { OpenDatabase } from "../db/database.ts";
import { findMerchantId } from "../db/merchants.ts";
import { addEndpoint } from "../db/webhook-endpoints.ts";
import { machine } from "../test/load/report.ts";
import { BENCH_DIRECTORY, openFreshDatabase } from "./fresh-database.ts";

const ROUNDS = 5;
const SECONDS_A_ROUND = 5;
const CONNECTIONS = 20;

const ORDER = JSON.stringify({
  amount: 990,
  currency: "CHF",
  description: "Album « Nuit claire »",
  returnUrl: "https://shop.example/paid",
});

/** What is asked of it: a bare INSERT is the measure, and the first of ours must not fall below this part of it. */
const RATIO_MIN = 0.6;
const KINDS = [
  "bare INSERT",
  "create",
  "create, a webhook endpoint listening",
  "create, with an Idempotency-Key",
] as const;
type Kind = (typeof KINDS)[number];
interface Turn {
  readonly perSecond: number;
  readonly p99: number;
}

/**
 * `npm run bench:create`: how many transactions a merchant can open in a second, beside a bare Fastify route that does
 * one INSERT: on the same PostgreSQL, which writes through to the disk, turn by turn in one run. Exit code 1 where a
 * create is slower than it may be.
 */
async function main(): Promise<void> {
  await using database = await openFreshDatabase("bench_create");
  const keys = await seed(database);
  const servers = fork(path.join(import.meta.dirname, "create-servers.ts"), [database.url]);
  try {
    const [addresses] = (await once(servers, "message")) as [Addresses];
    const rounds: Readonly<Record<Kind, Turn>>[] = [];
    await playRound(addresses, keys, 1);
    for (let round = 1; round <= ROUNDS; round++) {
      rounds.push(await playRound(addresses, keys, SECONDS_A_ROUND));
      console.log(`round ${round} of ${ROUNDS} is over`);
    }
    console.log(`${machine()}\n${CONNECTIONS} connections, medians of ${ROUNDS} rounds`);
    for (const kind of KINDS) console.log(describe(kind, rounds));
    process.exitCode = ratioOf("create", rounds) >= RATIO_MIN ? 0 : 1;
  } finally {
    servers.kill();
    await once(servers, "exit");
  }
}

interface Addresses {
  readonly bare: string;
  readonly ours: string;
}
interface Keys {
  readonly unheard: string;
  readonly heard: string;
}

async function playRound({ bare, ours }: Addresses, keys: Keys, seconds: number): Promise<Record<Kind, Turn>> {
  const create = `${ours}/v1/transactions`;
  return {
    "bare INSERT": await turn(bare, keys.unheard, { seconds }),
    create: await turn(create, keys.unheard, { seconds }),
    "create, a webhook endpoint listening": await turn(create, keys.heard, { seconds }),
    "create, with an Idempotency-Key": await turn(create, keys.unheard, { seconds, named: true }),
  };
}

async function turn(url: string, key: string, { seconds, named = false }: { seconds: number; named?: boolean }) {
  const name = (request: autocannon.Request): autocannon.Request => ({
    ...request,
    headers: { ...request.headers, "idempotency-key": randomUUID() },
  });
  const result = await autocannon({
    url,
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: ORDER,
    connections: CONNECTIONS,
    duration: seconds,
    ...(named ? { requests: [{ setupRequest: name }] } : {}),
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${url}: ${result.non2xx} refusals, ${result.errors} errors`);
  return { perSecond: result["2xx"] / result.duration, p99: result.latency.p99 };
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function ratioOf(kind: Kind, rounds: readonly Readonly<Record<Kind, Turn>>[]): number {
  return middle(rounds.map((round) => round[kind].perSecond / round["bare INSERT"].perSecond));
}

function describe(kind: Kind, rounds: readonly Readonly<Record<Kind, Turn>>[]): string {
  const perSecond = middle(rounds.map((round) => round[kind].perSecond));
  const p99 = middle(rounds.map((round) => round[kind].p99));
  return `${kind.padEnd(38)} ${perSecond.toFixed(0).padStart(6)}/s  p99 ${p99} ms  ratio ${ratioOf(kind, rounds).toFixed(2)}`;
}

/** The demo's merchant with its five numbers; in test mode a webhook endpoint hears of everything, in live mode none. */
async function seed({ db, url }: OpenDatabase): Promise<Keys> {
  const { testKey, liveKey } = await seedDemo(db, await loadSecrets(BENCH_DIRECTORY));
  const merchantId = await findMerchantId(db, DEMO_MERCHANT_NUMBER);
  if (testKey === null || liveKey === null || merchantId === null) throw new Error("the demo has no merchant");
  const endpoint = { url: "https://shop.example/webhooks", events: [], description: null };
  await addEndpoint(db, { merchantId, test: true }, endpoint);
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`create table bench_orders (
    id uuid primary key, amount integer not null, currency text not null, description text not null,
    return_url text not null, created_at timestamptz not null default now())`);
  await client.end();
  return { unheard: liveKey, heard: testKey };
}

await main();
