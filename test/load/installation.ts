import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sql } from "kysely";
import { acceptsConnections, type Child, keepRunning, untilReady } from "../../bin/child-processes.ts";
import { startPostgres } from "../../bin/postgres.ts";
import { openDatabase } from "../../db/database.ts";
import { migrate } from "../../db/migrate.ts";
import { environmentOf } from "../faults/fault-exchange.ts";
import { type Exchange, openExchange } from "../telephony/exchange.ts";
import { memoryLeft } from "./memory-left.ts";
import type { MemoryLeft } from "./memory-on-request.ts";

/** Ports from here on are the installation's own: servers, two RTP ports for each call, and the callers' telephones. */
const FIRST_PORT = 30_000;
/** As many as asterisk.conf lets in at once (maxcalls). */
export const CALLS_AT_ONCE_MAX = 500;
const RTP_PORTS = [FIRST_PORT + 100, FIRST_PORT + 100 + 2 * CALLS_AT_ONCE_MAX + 199] as const;
export const CALLER_PORTS = { first: FIRST_PORT + 1_400, count: 1_200 } as const;
const READY_MS_MAX = 60_000;
const WARN_LEVEL = 40;
/** Counted by the books' own reason (verdict.ts). */
const BACKSTOP_EVENT = "call.backstop";
const TELLS_MEMORY = path.resolve(import.meta.dirname, "memory-on-request.ts");
const PROGRAM = path.resolve(import.meta.dirname, "../../bin/phone2pay.ts");

/** The product's own processes. */
export const SERVERS = ["voice server 1", "voice server 2", "jobs"] as const;
export type ServerName = (typeof SERVERS)[number];
export type PartName = ServerName | "Asterisk" | "PostgreSQL";

/** Everything as an operator runs it on one machine: PostgreSQL that syncs, Asterisk, two voice servers, the jobs. */
export interface Installation extends AsyncDisposable {
  readonly exchange: Exchange;
  readonly processIds: Readonly<Record<PartName, number>>;
  /** What each server holds after a garbage collection. */
  memoryLeft(): Promise<Readonly<Record<ServerName, MemoryLeft>>>;
  /** Connections that the product's processes hold to the database now. */
  connections(): Promise<number>;
  /** What the product's processes have warned of, by event; and which of them died. */
  complaints(): Promise<ReadonlyMap<string, number>>;
}

export async function openInstallation(signal: AbortSignal): Promise<Installation> {
  await using resources = new AsyncDisposableStack();
  const directory = resources.use(await mkdtempDisposable(path.join(tmpdir(), "load-"))).path;
  const postgres = resources.use(
    await startPostgres({ directory: path.join(directory, "postgres"), port: FIRST_PORT + 5 }),
  );
  const databaseUrl = postgres.url("postgres");
  const database = openDatabase(`${databaseUrl}?application_name=load-test`);
  await migrate(database.db);
  const exchange = resources.use(
    await openExchange({ firstPort: FIRST_PORT, serveHere: false, database, asterisk: { rtpPorts: RTP_PORTS } }),
  );

  const deaths: string[] = [];
  const env = {
    ...process.env,
    ...environmentOf(exchange, FIRST_PORT),
    DATABASE_URL: databaseUrl,
    LOAD_TEST_MEMORY_DIRECTORY: directory,
    PHONE2PAY_LOG_LEVEL: "warn",
  };
  const start = (name: string, role: string, more: Readonly<Record<string, string>> = {}): Child => {
    const child = keepRunning({
      name,
      program: process.execPath,
      args: ["--expose-gc", "--import", TELLS_MEMORY, PROGRAM, "serve", "--role", role],
      env: { ...env, ...more },
      logFile: path.join(directory, `${name.replaceAll(" ", "-")}.log`),
      tell: (line) => deaths.push(line),
      onStart: () => {},
    });
    resources.defer(() => child.stop());
    return child;
  };
  const [port1, port2] = exchange.agiPorts;
  const voice1 = start("voice server 1", "agi", { PHONE2PAY_AGI_PORT: String(port1) });
  const voice2 = start("voice server 2", "agi", { PHONE2PAY_AGI_PORT: String(port2) });
  const jobs = start("jobs", "jobs");
  const answers = (child: Child, port: number) =>
    untilReady({
      name: child.name,
      ask: () => acceptsConnections(port),
      timeoutMs: READY_MS_MAX,
      logFile: child.logFile,
      signal,
    });
  await Promise.all([answers(voice1, port1), answers(voice2, port2)]);
  const processIds = {
    "voice server 1": pidOf(voice1),
    "voice server 2": pidOf(voice2),
    jobs: pidOf(jobs),
    Asterisk: exchange.asterisk.pid,
    PostgreSQL: postgres.pid,
  };
  const kept = resources.move();
  return {
    exchange,
    processIds,
    async memoryLeft() {
      const left: Partial<Record<ServerName, MemoryLeft>> = {};
      for (const name of SERVERS) left[name] = await memoryLeft(processIds[name], directory);
      return left as Record<ServerName, MemoryLeft>;
    },
    async connections() {
      const { rows } = await sql<{ held: number }>`
        select count(*) as held from pg_stat_activity where application_name = 'phone2pay'`.execute(exchange.db);
      return rows[0]?.held ?? 0;
    },
    complaints: async () => countEvents(await Promise.all([voice1, voice2, jobs].map(linesOf)), deaths),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function pidOf({ name, pid }: Child): number {
  if (pid === undefined) throw new Error(`${name} has ended`);
  return pid;
}

async function linesOf({ logFile }: Child): Promise<readonly string[]> {
  return (await readFile(logFile, "utf8")).split("\n").filter(Boolean);
}

/** A line that isn't the product's log is something worse, like a process's last words: it counts by its own text. */
function countEvents(logs: readonly (readonly string[])[], deaths: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const line of [...logs.flat(), ...deaths]) {
    const logged = readLogLine(line);
    if (logged && (logged.level < WARN_LEVEL || logged.event === BACKSTOP_EVENT)) continue;
    const event = logged?.event ?? line;
    counts.set(event, (counts.get(event) ?? 0) + 1);
  }
  return counts;
}

function readLogLine(line: string): { readonly level: number; readonly event: string } | null {
  try {
    const { level, msg, error } = JSON.parse(line) as { level: number; msg: string; error?: { message?: string } };
    return { level, event: error?.message ? `${msg}: ${error.message}` : msg };
  } catch {
    return null;
  }
}
