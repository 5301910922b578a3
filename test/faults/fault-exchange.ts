import { readFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { AsteriskOptions } from "../../bin/asterisk-site.ts";
import { acceptsConnections } from "../../bin/child-processes.ts";
import { type RunningPostgres, startPostgres } from "../../bin/postgres.ts";
import { openDatabase } from "../../db/database.ts";
import { migrate } from "../../db/migrate.ts";
import { eventually } from "../support/eventually.ts";
import { type Exchange, openExchange, SECRET } from "../telephony/exchange.ts";
import { type Program, program } from "./program.ts";
import { layWire, type Wire } from "./wire.ts";

/** A PostgreSQL server of the test's own. */
export interface Database {
  stop(): Promise<void>;
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

/** Everything there is, each part a process or a server of its own, so that any of them can be taken away. */
export interface FaultExchange extends AsyncDisposable {
  readonly exchange: Exchange;
  readonly database: Database;
  readonly voices: readonly [Program, Program];
  /** Between Asterisk and each voice server. */
  readonly wires: readonly [Wire, Wire];
  readonly jobs: Program;
}

/** Ports from `firstPort` on, a thousand of them, are the test's own. */
export async function openFaultExchange(options: {
  readonly firstPort: number;
  readonly asterisk?: Partial<AsteriskOptions>;
}): Promise<FaultExchange> {
  const { firstPort } = options;
  await using resources = new AsyncDisposableStack();
  const directory = resources.use(await mkdtempDisposable(path.join(tmpdir(), "faults-"))).path;
  const database = await ownDatabase(directory, firstPort + 5, resources);
  const opened = openDatabase(database.url);
  await migrate(opened.db);
  const agiPorts = [firstPort + 3, firstPort + 4] as const;
  const wires = [resources.use(await layWire(agiPorts[0])), resources.use(await layWire(agiPorts[1]))] as const;
  const exchange = resources.use(
    await openExchange({
      firstPort,
      serveHere: false,
      database: opened,
      asterisk: { agiServers: [wires[0].address, wires[1].address], ...options.asterisk },
    }),
  );
  const environment = environmentOf(exchange, firstPort);
  const voice = (port: number): Program =>
    resources.use(
      program({
        role: "agi",
        environment: { ...environment, PHONE2PAY_AGI_PORT: String(port) },
        ready: () => eventually(() => acceptsConnections(port)),
      }),
    );
  const voices = [voice(agiPorts[0]), voice(agiPorts[1])] as const;
  const jobs = resources.use(program({ role: "jobs", environment, ready: async () => {} }));
  await Promise.all([...voices, jobs].map((part) => part.start()));
  const kept = resources.move();
  return { exchange, database, voices, wires, jobs, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** What the servers of an exchange are configured by. */
export function environmentOf(exchange: Exchange, firstPort: number): Readonly<Record<string, string>> {
  return {
    DATABASE_URL: exchange.databaseUrl,
    PHONE2PAY_AGI_SECRET: SECRET,
    PHONE2PAY_CALLER_HASH_KEY: SECRET,
    PHONE2PAY_WEBHOOK_KEY: SECRET,
    PHONE2PAY_PROMPTS_DIRECTORY: exchange.asterisk.promptsDirectory,
    PHONE2PAY_JOURNAL_DIRECTORY: exchange.journalDirectory,
    PHONE2PAY_CALL_RECORDS_FILE: exchange.asterisk.cdrFile,
    PHONE2PAY_AMI_HOST: "127.0.0.1",
    PHONE2PAY_AMI_PORT: String(firstPort + 2),
    PHONE2PAY_AMI_USER: "phone2pay",
    PHONE2PAY_AMI_SECRET: SECRET,
    PHONE2PAY_LOG_LEVEL: process.env.FAULT_LOG_LEVEL ?? "silent",
  };
}

async function ownDatabase(
  directory: string,
  port: number,
  resources: AsyncDisposableStack,
): Promise<Database & { readonly url: string }> {
  const start = () => startPostgres({ directory: path.join(directory, "postgres"), port, volatile: true });
  let running: RunningPostgres | null = await start();
  const url = running.url("postgres");
  const stop = async (): Promise<void> => {
    await running?.stop();
    running = null;
  };
  /** To the server and to each session's own process. */
  const signal = (name: NodeJS.Signals): void => {
    if (!running) return;
    const { pid } = running;
    const sessions = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    for (const each of [pid, ...sessions.filter(Boolean).map(Number)]) process.kill(each, name);
  };
  resources.defer(stop);
  return {
    url,
    stop,
    async start() {
      running = await start();
    },
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
  };
}
