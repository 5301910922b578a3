import { randomUUID } from "node:crypto";
import Fastify from "fastify";
import pg from "pg";
import { merchantApi } from "../api/routes.ts";
import { webhookReach } from "../api/webhook-target.ts";
import { openDatabase, POOL_CONNECTIONS_MAX } from "../db/database.ts";

/**
 * The two servers of bench/create-transaction.ts, in a process of their own: what a merchant asks, and a bare route that
 * does one INSERT of the same facts. Sends their addresses to the parent.
 */
const [databaseUrl = ""] = process.argv.slice(2);
const LIMIT = Number.MAX_SAFE_INTEGER;

const pool = new pg.Pool({ connectionString: databaseUrl, max: POOL_CONNECTIONS_MAX });
const bare = Fastify();
bare.post<{ Body: Readonly<Record<string, unknown>> }>("/", async ({ body }, reply) => {
  const id = randomUUID();
  await pool.query(
    "insert into bench_orders (id, amount, currency, description, return_url) values ($1, $2, $3, $4, $5)",
    [id, body.amount, body.currency, body.description, body.returnUrl],
  );
  return reply.code(201).send({ id });
});

const { db } = openDatabase(databaseUrl);
const webhooks = { key: randomUUID(), reach: webhookReach({ privateAddresses: false }) };
const ours = Fastify();
await ours.register(merchantApi, { db, baseUrl: "http://pay.example", webhooks, requestsPerMinuteMax: LIMIT });

const local = { host: "127.0.0.1", port: 0 };
process.send?.({ bare: await bare.listen(local), ours: await ours.listen(local) });
