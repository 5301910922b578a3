import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { PublicError } from "../core/errors.ts";
import { ACCESS_CODE_GUESSES, type GuessLimits } from "../core/guess-budget.ts";
import type { Db } from "../db/database.ts";
import { numbersOfMerchant } from "../db/numbers.ts";
import { accessRoutes } from "./access-routes.ts";
import { negotiateAnswer } from "./answer-format.ts";
import { clientOf, openKeys, requireApiKey } from "./authentication.ts";
import { describeApi, documentationRoutes } from "./documentation.ts";
import { answerProblem } from "./problem.ts";
import { quoteRoutes } from "./quote-routes.ts";
import type { Scope } from "./quotes.ts";
import { remembered } from "./remembered.ts";
import { readJsonAndXml, refuseOtherMethods } from "./requests.ts";
import { transactionRoutes } from "./transaction-routes.ts";
import type { WebhookSettings } from "./webhook-endpoints.ts";
import { webhookRoutes } from "./webhook-routes.ts";
import { webServices } from "./webservices/service-routes.ts";

/** Requests that one key may make in a minute: a hundred a second, far above what a shop that polls needs. */
const REQUESTS_PER_MINUTE_MAX = 6_000;
/** Keys that are counted at a time; the one not seen for longest makes room. */
const COUNTED_KEYS_MAX = 10_000;
/** A key that was revoked, and a number that was withdrawn, may still be used for so long. */
const REMEMBER_MS = 1_000;

export interface MerchantApiOptions {
  readonly db: Db;
  /** Where the whole system is reached from outside, without a slash at the end. */
  readonly baseUrl: string;
  readonly webhooks: WebhookSettings;
  readonly requestsPerMinuteMax?: number;
  /** Wrong access codes of one key. */
  readonly accessCodeGuesses?: GuessLimits;
  /** How old may be what is known of keys and numbers. */
  readonly rememberMilliseconds?: number;
}

/**
 * The merchants' web services as one encapsulated plugin: `/v1/…`, `/webservices/…`, `/openapi.json`, `/docs`. Its parsers, errors and
 * hooks stay inside; the app around it gives ids to requests, which come back in `x-request-id` and in every problem.
 */
export async function merchantApi(app: FastifyInstance, options: MerchantApiOptions): Promise<void> {
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler((error, request, reply) => answerProblem(error, request, reply, options));
  app.addHook("onRequest", async (request, reply) => {
    reply.headers({ "x-request-id": request.id, "x-content-type-options": "nosniff" });
  });
  await describeApi(app, options);
  await app.register(documentationRoutes);
  // Not `options` with a prefix added: what is registered with them further inside would have the prefix again.
  const { db, rememberMilliseconds = REMEMBER_MS, requestsPerMinuteMax = REQUESTS_PER_MINUTE_MAX } = options;
  const { accessCodeGuesses = ACCESS_CODE_GUESSES } = options;
  const numbersOf = remembered(rememberMilliseconds, (merchantId: number) => numbersOfMerchant(db, merchantId));
  const inside: Inside = { ...options, rememberMilliseconds, requestsPerMinuteMax, accessCodeGuesses, numbersOf };
  await app.register((v1) => versionOne(v1, inside), { prefix: "/v1" });
  await app.register((services) => webServices(services, inside), { prefix: "/webservices" });
}

type Inside = Required<MerchantApiOptions> & Omit<Scope, "client">;

async function versionOne(app: FastifyInstance, options: Inside): Promise<void> {
  readJsonAndXml(app);
  app.addHook("onRequest", async (_request, reply) => {
    reply.header("cache-control", "no-store");
  });
  app.addHook("onRequest", negotiateAnswer);
  app.setNotFoundHandler(async () => {
    throw new PublicError("route_unknown");
  });
  const refuseTheOthers = refuseOtherMethods(app);
  await app.register(withKey, options);
  refuseTheOthers();
}

async function withKey(app: FastifyInstance, options: Inside): Promise<void> {
  requireApiKey(app, openKeys(options.db, options.rememberMilliseconds));
  await app.register(rateLimit, {
    max: options.requestsPerMinuteMax,
    timeWindow: 60_000,
    cache: COUNTED_KEYS_MAX,
    keyGenerator: (request) => clientOf(request).keyId,
    errorResponseBuilder: () => new PublicError("too_many_requests"),
  });
  await app.register(transactionRoutes, options);
  await app.register(quoteRoutes, options);
  await app.register(webhookRoutes, options);
  await app.register(accessRoutes, options);
}
