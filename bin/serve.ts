import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import Fastify, { type FastifyInstance } from "fastify";
import type { VoiceServer } from "../agi/call.ts";
import type { FastAgiServer } from "../agi/fastagi.ts";
import { startMeter } from "../agi/meter.ts";
import { loadPrompts } from "../agi/prompts.ts";
import { serveAgi } from "../agi/server.ts";
import { merchantApi } from "../api/routes.ts";
import type { Config } from "../core/config.ts";
import { type Db, openDatabase } from "../db/database.ts";
import { pendingMigrations } from "../db/migrate.ts";
import { watchTransactions } from "../db/notices.ts";
import { keepUp } from "../db/upkeep.ts";
import { webPages } from "../web/pages.ts";
import { type Log, openLog } from "./log.ts";

export const ROLES = ["http", "agi", "jobs"] as const;
export type Role = (typeof ROLES)[number];

const BODY_BYTES_MAX = 64 * 1_024;
const JOB_INTERVAL_MS = 1_000;
/** After the database was away, legs look abandoned until their workers have caught up: so long nothing is closed. */
const CATCH_UP_MS = 60_000;
const DRAIN_MS = 5_000;

/** Plays the given roles in this process until `stop` is aborted; then lets calls and requests end, and comes back. */
export async function serve(config: Config, roles: readonly Role[], stop: AbortSignal): Promise<void> {
  const log = openLog(config.logLevel, roles.join("+"));
  await using resources = new AsyncDisposableStack();
  const database = resources.use(
    openDatabase(config.databaseUrl, (error) => log.warn({ error }, "database.connection_lost")),
  );
  const worker = `${hostname()}/${process.pid}/${randomBytes(3).toString("hex")}`;
  if (roles.includes("agi")) {
    const agi = await startVoice(config, database.db, worker, log, resources);
    log.info({ port: agi.port }, "agi.listening");
  }
  if (roles.includes("http")) {
    const http = await startHttp(config, database.db, log, resources);
    log.info({ address: http.listeningOrigin }, "http.listening");
  }
  if (roles.includes("jobs")) resources.defer(startJobs(database.db, worker, log));
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener("abort", resolve, { once: true }));
  log.info("stopping");
}

async function startVoice(
  config: Config,
  db: Db,
  worker: string,
  log: Log,
  resources: AsyncDisposableStack,
): Promise<FastAgiServer> {
  const meter = resources.use(startMeter({ db, onError: (error) => log.error({ error }, "meter.booking_failed") }));
  const voice: VoiceServer = {
    db,
    meter,
    worker,
    prompts: await loadPrompts(config.agi.promptsDirectory),
    callerHashKey: config.callerHashKey,
    log: (event, details) => log.warn(details, event),
  };
  const agi = await serveAgi(voice, config.agi);
  resources.defer(() => agi.drain(DRAIN_MS));
  return agi;
}

async function startHttp(config: Config, db: Db, log: Log, resources: AsyncDisposableStack): Promise<FastifyInstance> {
  const watch = resources.use(await watchTransactions(config.databaseUrl));
  const http = await composeHttp({ config, db, watch, log });
  resources.defer(() => http.close());
  await http.listen({ host: config.http.host, port: config.http.port });
  return http;
}

/** The whole HTTP side as one app: merchants' API, shoppers' pages, and what monitoring asks. */
export async function composeHttp(parts: {
  readonly config: Pick<Config, "http" | "provider" | "databaseUrl">;
  readonly db: Db;
  readonly watch: Awaited<ReturnType<typeof watchTransactions>>;
  readonly log?: Log;
}): Promise<FastifyInstance> {
  const { config, db, watch, log } = parts;
  const { baseUrl } = config.http;
  const http = Fastify({
    ...(log ? { loggerInstance: log } : {}),
    // Addresses hold transaction ids, with which one can pay and see: requests are not logged one by one.
    disableRequestLogging: true,
    bodyLimit: BODY_BYTES_MAX,
    trustProxy: config.http.trustProxy,
    genReqId: () => randomBytes(9).toString("base64url"),
    forceCloseConnections: true,
  }) as unknown as FastifyInstance;
  http.get("/healthz", async () => ({ status: "up" }));
  http.get("/readyz", async (_request, reply) => {
    const pending = await pendingMigrations(db).catch(() => null);
    if (pending === null) return reply.code(503).send({ status: "database_away" });
    if (pending.length > 0) return reply.code(503).send({ status: "migrations_pending" });
    return { status: "ready" };
  });
  await http.register(merchantApi, { db, baseUrl });
  await http.register(webPages, { db, databaseUrl: config.databaseUrl, baseUrl, provider: config.provider, watch });
  return http;
}

function startJobs(db: Db, worker: string, log: Log): () => Promise<void> {
  let stopped = false;
  let awayUntil = Date.now() + CATCH_UP_MS;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const round = async () => {
    try {
      await keepUp(db, { worker, closeLegs: Date.now() > awayUntil });
    } catch (error) {
      awayUntil = Date.now() + CATCH_UP_MS;
      log.error({ error }, "jobs.failed");
    }
  };
  const loop = () => {
    running = round().then(() => {
      if (!stopped) timer = setTimeout(loop, JOB_INTERVAL_MS);
    });
  };
  loop();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await running;
  };
}
