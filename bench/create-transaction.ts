import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import autocannon from "autocannon";
import pg from "pg";
import { loadSecrets } from "../bin/demo-secrets.ts";
import { seedDemo } from "../bin/demo-seed.ts";
import { startPostgres } from "../bin/postgres.ts";
import { openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { machine } from "../test/load/report.ts";
import { freshDatabase } from "./fresh-database.ts";

const ROUNDS = 5;
const SECONDS_A_ROUND = 5;
const CONNECTIONS = 20;
const PORT = 54_400;
const directory = path.resolve(import.meta.dirname, "../.cache/bench");

const ORDER = JSON.stringify({
  amount: 990,
  currency: "CHF",
  description: "Album « Nuit claire »",
  returnUrl: "https://shop.example/paid",
});

/**
 * `npm run bench:create`: how many transactions a merchant can open in a second, beside a bare Fastify route that does
 * one INSERT: on the same PostgreSQL, which writes through to the disk, turn by turn in one run.
 */
async function main(): Promise<void> {
  await using postgres = await startPostgres({ directory, port: PORT });
  const url = await freshDatabase(postgres.url("postgres"), "bench_create");
  const key = await seed(url);
  const servers = fork(path.join(import.meta.dirname, "create-servers.ts"), [url]);
  try {
    const [addresses] = (await once(servers, "message")) as [{ readonly bare: string; readonly ours: string }];
    const rounds: { readonly bare: number; readonly ours: number; readonly p99: number }[] = [];
    await turn(addresses.bare, "/", key, 1);
    await turn(addresses.ours, "/v1/transactions", key, 1);
    for (let round = 1; round <= ROUNDS; round++) {
      const bare = await turn(addresses.bare, "/", key, SECONDS_A_ROUND);
      const ours = await turn(addresses.ours, "/v1/transactions", key, SECONDS_A_ROUND);
      rounds.push({ bare: bare.perSecond, ours: ours.perSecond, p99: ours.p99 });
      console.log(`round ${round} of ${ROUNDS}: ${describe(rounds.slice(-1))}`);
    }
    console.log(`${machine()}\n${CONNECTIONS} connections, medians of ${ROUNDS} rounds: ${describe(rounds)}`);
  } finally {
    servers.kill();
    await once(servers, "exit");
  }
}

async function turn(address: string, route: string, key: string, seconds: number) {
  const result = await autocannon({
    url: `${address}${route}`,
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: ORDER,
    connections: CONNECTIONS,
    duration: seconds,
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${route}: ${result.non2xx} refusals, ${result.errors} errors`);
  return { perSecond: result["2xx"] / result.duration, p99: result.latency.p99 };
}

function describe(rounds: readonly { readonly bare: number; readonly ours: number; readonly p99: number }[]): string {
  const middle = (of: (round: (typeof rounds)[number]) => number) =>
    rounds.map(of).sort((a, b) => a - b)[Math.floor(rounds.length / 2)] ?? Number.NaN;
  const [bare, ours, p99] = [middle((r) => r.bare), middle((r) => r.ours), middle((r) => r.p99)];
  const ratio = middle((round) => round.ours / round.bare);
  return `bare INSERT ${bare.toFixed(0)}/s, create transaction ${ours.toFixed(0)}/s (p99 ${p99} ms), ratio ${ratio.toFixed(2)}`;
}

/** The demo's merchant with its five numbers; answers its test key. */
async function seed(url: string): Promise<string> {
  await using database = openDatabase(url);
  await migrate(database.db);
  const { testKey } = await seedDemo(database.db, await loadSecrets(directory));
  if (testKey === null) throw new Error("the demo has no test key");
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`create table bench_orders (
    id uuid primary key, amount integer not null, currency text not null, description text not null,
    return_url text not null, created_at timestamptz not null default now())`);
  await client.end();
  return testKey;
}

await main();
