import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { JournalLine } from "../db/transactions.ts";
import { answers } from "./answers.ts";
import { clientOf } from "./authentication.ts";
import { IDEMPOTENCY_CODES, idempotencyHeaders, once } from "./idempotency.ts";
import { ANY_BODY_CODES } from "./problem.ts";
import type { Scope } from "./quotes.ts";
import {
  eventsSchema,
  idParameters,
  listQuery,
  newTransactionSchema,
  pageSchema,
  transactionSchema,
} from "./transaction-schemas.ts";
import {
  cancelTransaction,
  checkTransaction,
  createTransaction,
  eventsOfTransaction,
  pageTransactions,
  redeemTransaction,
} from "./transactions.ts";

const tags = ["Transactions"];

/** The life of a transaction as a merchant drives it: create, check, list, redeem, cancel, and its events. */
export async function transactionRoutes(app: FastifyInstance, options: Omit<Scope, "client">): Promise<void> {
  const typed = app.withTypeProvider<ZodTypeProvider>();
  const scopeOf = (request: FastifyRequest): Scope => ({ ...options, client: clientOf(request) });

  typed.post("/transactions", { schema: createSchema }, async (request, reply) => {
    const view = await once(request, reply, {
      scope: scopeOf(request),
      status: 201,
      perform: (scope) => createTransaction(scope, request.body),
    });
    return reply.header("location", `${options.baseUrl}/v1/transactions/${view.id}`).send(view);
  });

  typed.get("/transactions", { schema: listSchema }, async (request) =>
    pageTransactions(scopeOf(request), request.query),
  );

  typed.get("/transactions/:id", { schema: checkSchema }, async (request) =>
    checkTransaction(scopeOf(request), request.params.id),
  );

  typed.post("/transactions/:id/redeem", { schema: redeemSchema }, async (request, reply) =>
    once(request, reply, {
      scope: scopeOf(request),
      status: 200,
      perform: (scope) => redeemTransaction(scope, request.params.id),
    }),
  );

  typed.post("/transactions/:id/cancel", { schema: cancelSchema }, async (request, reply) =>
    once(request, reply, {
      scope: scopeOf(request),
      status: 200,
      perform: (scope) => cancelTransaction(scope, request.params.id),
    }),
  );

  typed.get("/transactions/:id/events", { schema: eventsOfSchema }, async (request) => {
    const lines = await eventsOfTransaction(scopeOf(request), request.params.id);
    return { data: lines.map(eventView) };
  });
}

const createSchema = {
  operationId: "createTransaction",
  tags,
  summary: "Open a transaction",
  description: "Then send the shopper to `payUrl`. The header Location holds the transaction's address.",
  headers: idempotencyHeaders,
  body: newTransactionSchema,
  response: answers(201, "It is open.", transactionSchema, [
    ...ANY_BODY_CODES,
    ...IDEMPOTENCY_CODES,
    "amount_invalid",
    "amount_too_small",
    "amount_unreachable",
    "currency_unsupported",
    "number_unknown",
    "return_url_invalid",
    "reference_in_use",
    "donation_limits",
    "renewal_refused",
    "renewal_exists",
  ]),
} as const;

const listSchema = {
  operationId: "listTransactions",
  tags,
  summary: "List transactions, newest first",
  description: "For the next page, send the last id as `startingAfter`, until `hasMore` is false.",
  querystring: listQuery,
  response: answers(200, "A page of them.", pageSchema, ["field_invalid"]),
} as const;

const checkSchema = {
  operationId: "checkTransaction",
  tags,
  summary: "Check a transaction",
  description: "The truth about a payment: what the shopper's browser brings back is only the id.",
  params: idParameters,
  response: answers(200, "As it is now.", transactionSchema, ["transaction_unknown"]),
} as const;

const redeemSchema = {
  operationId: "redeemTransaction",
  tags,
  summary: "Redeem a paid transaction, once",
  description:
    "Deliver when this answers 200. Every later redeem is answered with 409 `transaction_already_redeemed`, which tells when and by which key the first one was.",
  headers: idempotencyHeaders,
  params: idParameters,
  response: answers(200, "It was paid, and is yours.", transactionSchema, [
    ...IDEMPOTENCY_CODES,
    "transaction_unknown",
    "transaction_not_paid",
    "transaction_already_redeemed",
    "transaction_cancelled",
    "transaction_expired",
  ]),
} as const;

const cancelSchema = {
  operationId: "cancelTransaction",
  tags,
  summary: "Cancel an unpaid transaction",
  description: "Cancelling twice is the same as once. A call in progress can't be cancelled.",
  headers: idempotencyHeaders,
  params: idParameters,
  response: answers(200, "It is cancelled.", transactionSchema, [
    ...IDEMPOTENCY_CODES,
    "transaction_unknown",
    "call_in_progress",
    "transaction_already_paid",
  ]),
} as const;

const eventsOfSchema = {
  operationId: "listEvents",
  tags,
  summary: "What happened to a transaction",
  params: idParameters,
  response: answers(200, "All its events.", eventsSchema, ["transaction_unknown"]),
} as const;

function eventView(line: JournalLine) {
  // Which row of ours a call is says nothing to a merchant.
  const { leg: _leg, ...data } = line.data;
  return { id: String(line.id), type: line.event, createdAt: line.at.toISOString(), data };
}
