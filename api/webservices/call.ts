import type { FastifyReply, FastifyRequest } from "fastify";
import { idempotencyHeaders, once } from "../idempotency.ts";
import { refusalOfIssues } from "../refusal.ts";
import type { TransactionView } from "../transaction-schemas.ts";
import { Attempts } from "./attempts.ts";
import type { Operation, Parameters, Service } from "./operations.ts";
import { openSignIn } from "./sign-in.ts";

const MINUTE_MS = 60_000;
/** Merchants that are counted at a time. */
const COUNTED_MERCHANTS_MAX = 10_000;

/**
 * Does an operation for whoever its parameters sign in; what changes something is done once for each Idempotency-Key, as by
 * REST. Throws the refusals of all three.
 */
export type Call = (
  exchange: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  operation: Operation,
  parameters: Parameters,
) => Promise<TransactionView>;

/** A merchant may make as many requests here as one of their keys may over REST. */
export function openCall(service: Service & { readonly requestsPerMinuteMax: number }): Call {
  const signIn = openSignIn(service.db);
  const requests = new Attempts({
    attemptsMax: service.requestsPerMinuteMax,
    windowMs: MINUTE_MS,
    keysMax: COUNTED_MERCHANTS_MAX,
  });
  return async ({ request, reply }, operation, parameters) => {
    const headers = idempotencyHeaders.safeParse(request.headers);
    if (!headers.success) throw refusalOfIssues(headers.error);
    const signedIn = await signIn(parameters, { address: request.ip, log: request.log });
    requests.take(String(signedIn.merchant.id), performance.now());
    return operation.run(service, signedIn, {
      parameters,
      once: (change) => once(request, reply, { status: 200, ...change }),
    });
  };
}
