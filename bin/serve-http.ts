import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import { BODY_BYTES_MAX } from "../api/fields.ts";
import { answerProblem } from "../api/problem.ts";
import { merchantApi } from "../api/routes.ts";
import { webhookReach } from "../api/webhook-target.ts";
import type { Config } from "../core/config.ts";
import { problemOf } from "../core/problem.ts";
import type { Db } from "../db/database.ts";
import { pendingMigrations } from "../db/migrate.ts";
import { type NoticeWatch, watchTransactions } from "../db/notices.ts";
import { webPages } from "../web/pages.ts";
import type { TestLine } from "../web/test-calls.ts";
import { promptLengths, readRecordings } from "./line-news.ts";
import type { Log } from "./log.ts";
import type { RoleParts } from "./role-parts.ts";

/** Answers merchants and shoppers. */
export async function startHttp({ config, db, log, resources, ownAgi }: RoleParts): Promise<void> {
  const watch = resources.use(await watchTransactions(config.databaseUrl));
  const agiServers = config.testCallsAgi ?? (ownAgi ? [ownAgi] : []);
  const testLine = agiServers.length > 0 ? await openTestLine(agiServers, config.agi.secret) : null;
  const http = await composeHttp({ config, db, watch, log, testLine });
  resources.defer(() => http.close());
  await http.listen({ host: config.http.host, port: config.http.port });
  log.info({ address: http.listeningOrigin }, "http.listening");
}

/** What the played calls of test mode ask: the same voice servers as Asterisk's calls, with recordings of the same length. */
async function openTestLine(agiServers: readonly string[], secret: string): Promise<TestLine> {
  return { agiServers, secret, promptLengthMs: promptLengths(await readRecordings()) };
}

/** What isn't even HTTP, or has headers without end, is refused by the same table, and the connection is closed. */
function refuseUnreadable(error: Error & { readonly code?: string }, socket: Duplex, baseUrl: string): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const body = JSON.stringify(problemOf("request_malformed", { baseUrl, requestId: "" }));
  const head = ["HTTP/1.1 400 Bad Request", "Content-Type: application/problem+json", "Connection: close"];
  socket.end(`${head.join("\r\n")}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

/**
 * «true» would be Fastify's word for believing all of X-Forwarded-For, whose first entries anybody can write: then an
 * attacker would choose the address that is counted. A proxy vouches for the entry that it added itself, the last one.
 */
function trustOf(trustProxy: Config["http"]["trustProxy"]) {
  if (typeof trustProxy === "boolean") return trustProxy && ((_address: string, hop: number) => hop === 0);
  return [...trustProxy];
}

/** The whole HTTP side as one app: merchants' API, shoppers' pages, and what monitoring asks. */
export async function composeHttp(parts: {
  readonly config: Pick<Config, "http" | "provider" | "webhooks"> & Partial<Pick<Config, "frameAncestors">>;
  readonly db: Db;
  readonly watch: NoticeWatch;
  readonly log?: Log;
  readonly testLine?: TestLine | null;
}): Promise<FastifyInstance> {
  const { config, db, watch, log, testLine = null } = parts;
  const { baseUrl, trustProxy } = config.http;
  const http: FastifyInstance = Fastify({
    ...(log ? { loggerInstance: log as FastifyBaseLogger } : {}),
    // Addresses hold transaction ids, with which one can pay and see: requests are not logged one by one.
    logController: new LogController({ disableRequestLogging: true }),
    // What Fastify refuses before any route has it: addresses that can't be read.
    frameworkErrors: (error, request, reply) => void answerProblem(error, request, reply, { db, baseUrl }),
    bodyLimit: BODY_BYTES_MAX,
    trustProxy: trustOf(trustProxy),
    clientErrorHandler: (error, socket) => refuseUnreadable(error, socket, baseUrl),
    genReqId: () => randomBytes(9).toString("base64url"),
    forceCloseConnections: true,
  });
  http.get("/healthz", async () => ({ status: "up" }));
  http.get("/readyz", async (_request, reply) => {
    const pending = await pendingMigrations(db).catch(() => null);
    if (pending === null) return reply.code(503).send({ status: "database_away" });
    if (pending.length > 0) return reply.code(503).send({ status: "migrations_pending" });
    return { status: "ready" };
  });
  const webhooks = { key: config.webhooks.key, reach: webhookReach(config.webhooks) };
  await http.register(merchantApi, { db, baseUrl, webhooks });
  const { provider, frameAncestors = [] } = config;
  await http.register(webPages, { db, baseUrl, provider, frameAncestors, watch, testLine });
  return http;
}
