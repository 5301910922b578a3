import type { FastifyRequest } from "fastify";
import type { TransactionView } from "../transaction-schemas.ts";
import { type AttemptLimits, Attempts } from "./attempts.ts";
import type { Operation, Parameters, Service } from "./operations.ts";
import { openSignIn } from "./sign-in.ts";

/** Requests of one merchant: as many as one of their keys may make over REST. */
const REQUESTS_OF_MERCHANT: AttemptLimits = { attemptsMax: 6_000, windowMs: 60_000, keysMax: 10_000 };

/** Does an operation for whoever its parameters sign in. Throws the refusals of both. */
export type Call = (request: FastifyRequest, operation: Operation, parameters: Parameters) => Promise<TransactionView>;

export function openCall(service: Service): Call {
  const signIn = openSignIn(service.db);
  const requests = new Attempts(REQUESTS_OF_MERCHANT);
  return async (request, operation, parameters) => {
    const signedIn = await signIn(parameters, { address: request.ip, log: request.log });
    requests.take(String(signedIn.merchant.id), performance.now());
    return operation.run(service, signedIn, parameters);
  };
}
