import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { PublicError } from "../core/errors.ts";
import type { Db } from "../db/database.ts";
import { negotiateAnswer } from "./answer-format.ts";
import { clientOf, requireApiKey } from "./authentication.ts";
import { describeApi, documentationRoutes } from "./documentation.ts";
import { answerProblem } from "./problem.ts";
import { quoteRoutes } from "./quote-routes.ts";
import { readJsonAndXml, refuseOtherMethods } from "./requests.ts";
import { transactionRoutes } from "./transaction-routes.ts";
import { webServices } from "./webservices/service-routes.ts";

/** Requests that one key may make in a minute: a hundred a second, far above what a shop that polls needs. */
const REQUESTS_PER_MINUTE_MAX = 6_000;
/** Keys that are counted at a time; the one not seen for longest makes room. */
const COUNTED_KEYS_MAX = 10_000;

export interface MerchantApiOptions {
  readonly db: Db;
  /** Where the whole system is reached from outside, without a slash at the end. */
  readonly baseUrl: string;
  readonly requestsPerMinuteMax?: number;
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
  await app.register((inside) => versionOne(inside, options), { prefix: "/v1" });
  const limited = { ...options, requestsPerMinuteMax: options.requestsPerMinuteMax ?? REQUESTS_PER_MINUTE_MAX };
  await app.register((inside) => webServices(inside, limited), { prefix: "/webservices" });
}

async function versionOne(app: FastifyInstance, options: MerchantApiOptions): Promise<void> {
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

async function withKey(app: FastifyInstance, options: MerchantApiOptions): Promise<void> {
  requireApiKey(app, options.db);
  await app.register(rateLimit, {
    max: options.requestsPerMinuteMax ?? REQUESTS_PER_MINUTE_MAX,
    timeWindow: 60_000,
    cache: COUNTED_KEYS_MAX,
    keyGenerator: (request) => clientOf(request).keyId,
    errorResponseBuilder: () => new PublicError("too_many_requests"),
  });
  await app.register(transactionRoutes, options);
  await app.register(quoteRoutes, options);
}
