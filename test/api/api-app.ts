import { randomUUID } from "node:crypto";
import Fastify, { type FastifyInstance, type LightMyRequestResponse } from "fastify";
import { answerProblem } from "../../api/problem.ts";
import { type MerchantApiOptions, merchantApi } from "../../api/routes.ts";
import type { WebhookSettings } from "../../api/webhook-endpoints.ts";
import { webhookReach } from "../../api/webhook-target.ts";
import { pulsesOf, type Segment } from "../../core/tariff.ts";
import type { Db } from "../../db/database.ts";
import { bookPulses } from "../../db/pulses.ts";
import { cloneDatabase } from "../support/database.ts";
import { type Seeded, seedAnsweredLeg, seedClaim, seedMerchant } from "../support/seed.ts";
import { WEBHOOKS } from "../support/webhooks.ts";

export const BASE_URL = "http://pay.test";
/** What a transaction needs at least. */
export const ORDER = {
  amount: 100,
  currency: "CHF",
  description: "Album « Nuit claire »",
  returnUrl: "https://shop.example/back",
} as const;

/** Webhooks as operators have them, with a name server that knows one host. */
export const PUBLIC_WEBHOOKS: WebhookSettings = {
  key: WEBHOOKS.key,
  reach: {
    ...webhookReach({ privateAddresses: false }),
    resolve: async (host) => (host === "shop.example" ? ["93.184.215.14"] : []),
  },
};

/** The merchants' API over a database, alone in an app. */
export async function composeApi(db: Db, options: Partial<MerchantApiOptions> = {}): Promise<FastifyInstance> {
  const app: FastifyInstance = Fastify({
    genReqId: () => randomUUID(),
    forceCloseConnections: true,
    // Addresses that no plugin gets to see, because they can't be decoded.
    frameworkErrors: (error, request, reply) => void answerProblem(error, request, reply, { db, baseUrl: BASE_URL }),
  });
  // What a test changes counts at once.
  const known = { db, baseUrl: BASE_URL, webhooks: PUBLIC_WEBHOOKS, rememberMilliseconds: 0 };
  await app.register(merchantApi, { ...known, ...options });
  await app.ready();
  return app;
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD";

export interface Asked {
  readonly key?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks like a merchant: `body` is sent as JSON, or as it is when it is a string already. */
export async function ask(
  app: FastifyInstance,
  method: Method,
  url: string,
  { key, body, headers = {} }: Asked = {},
): Promise<LightMyRequestResponse> {
  return app.inject({
    method,
    url,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { payload: typeof body === "string" ? body : JSON.stringify(body) }),
  });
}

/** The API on a database of the test file's own, with one merchant. */
export class ApiUnderTest implements AsyncDisposable {
  readonly db: Db;
  readonly databaseUrl: string;
  readonly app: FastifyInstance;
  readonly seeded: Seeded;
  readonly #resources: AsyncDisposableStack;

  static async start(options: Partial<MerchantApiOptions> = {}): Promise<ApiUnderTest> {
    const resources = new AsyncDisposableStack();
    const { db, url } = resources.use(await cloneDatabase());
    const seeded = await seedMerchant(db);
    const app = await composeApi(db, options);
    resources.defer(() => app.close());
    return new ApiUnderTest({ db, databaseUrl: url, app, seeded, resources });
  }

  constructor(parts: {
    db: Db;
    databaseUrl: string;
    app: FastifyInstance;
    seeded: Seeded;
    resources: AsyncDisposableStack;
  }) {
    this.db = parts.db;
    this.databaseUrl = parts.databaseUrl;
    this.app = parts.app;
    this.seeded = parts.seeded;
    this.#resources = parts.resources;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources[Symbol.asyncDispose]();
  }

  /** Asks with the merchant's live key, unless told otherwise. */
  ask(method: Method, url: string, asked: Asked = {}) {
    return ask(this.app, method, url, { key: this.seeded.liveKey, ...asked });
  }

  get(url: string, asked: Asked = {}) {
    return this.ask("GET", url, asked);
  }

  post(url: string, body?: unknown, asked: Asked = {}) {
    return this.ask("POST", url, { ...asked, body });
  }

  /** Opens a transaction and answers its JSON. */
  async create(changes: Readonly<Record<string, unknown>> = {}, asked: Asked = {}) {
    const created = await this.post("/v1/transactions", { ...ORDER, ...changes }, asked);
    if (created.statusCode !== 201) throw new Error(created.body);
    return created.json();
  }

  /** A call keys the transaction's code; the transaction is `calling`, and `pulses` of its pulses are booked. */
  async call(id: string, pulses = 0): Promise<void> {
    const leg = await seedAnsweredLeg(this.db, this.seeded);
    await seedClaim(this.db, this.seeded, { leg, transactionId: id });
    const booked = firstPulses(this.seeded.segments, pulses);
    await bookPulses(this.db, [{ leg: leg.id, epoch: leg.epoch, pulses: booked }]);
  }

  /** Pays a transaction of ORDER's amount. */
  async pay(id: string): Promise<void> {
    await this.call(id, 10);
  }

  /** Lets the time to pay run out, by the clock only: no job has noted it. */
  async runOut(id: string): Promise<void> {
    const past = new Date(Date.now() - 1_000);
    await this.db.updateTable("transactions").set({ expires_at: past }).where("id", "=", id).execute();
  }
}

function firstPulses(segments: readonly Segment[], count: number) {
  return pulsesOf(segments).slice(0, count);
}
