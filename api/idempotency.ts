import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { type ErrorCode, PublicError } from "../core/errors.ts";
import { parseTransactionId } from "../core/transaction-id.ts";
import { findAnswer, keepAnswer, type NamedRequest, reserveRequest } from "../db/idempotent-answers.ts";
import type { Scope } from "./quotes.ts";

const KEY_LENGTH_MAX = 255;

/** What a request with a key can be refused for besides. */
export const IDEMPOTENCY_CODES = [
  "idempotency_key_invalid",
  "idempotency_key_in_use",
  "idempotency_key_reused",
] as const satisfies readonly ErrorCode[];

/** Of the headers of a request that changes something; the others pass through. */
export const idempotencyHeaders = z.looseObject({
  "idempotency-key": z
    .string()
    .regex(/^[!-~]+$/, "must be printable ASCII without blanks")
    .max(KEY_LENGTH_MAX)
    .optional()
    .describe(
      "A name of your own for this request, such as a random UUID: repeated within 24 h it is done once, and the first answer is given again, with `Idempotent-Replayed: true`.",
    ),
});

/**
 * Does what a request asks for once, however often it is sent under one Idempotency-Key: what it changes and its answer
 * are written in one database transaction, so that no crash can come between them. Refusals change nothing and aren't
 * kept. Without a key it is just done.
 */
export async function once<View extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  task: {
    readonly scope: Scope;
    readonly status: 200 | 201;
    readonly perform: (scope: Scope) => Promise<View>;
    /** Of those who have one address for several operations, or name the client in the body: what is done, to what. */
    readonly operation?: string;
    readonly sent?: unknown;
  },
): Promise<View> {
  const key = request.headers["idempotency-key"];
  const { scope, status, perform } = task;
  reply.code(status);
  if (typeof key !== "string") return perform(scope);
  const { client } = scope;
  const { operation = operationOf(request), sent = request.body } = task;
  const named: NamedRequest = { merchantId: client.merchant.id, test: client.test, operation, key };
  const fingerprint = createHash("sha256").update(canonical(sent)).digest();
  // Asked for here: who holds the connection of a database transaction mustn't wait for another one.
  const numbers = await scope.numbersOf(client.merchant.id);
  return scope.db.transaction().execute(async (trx) => {
    if (!(await reserveRequest(trx, named))) throw new PublicError("idempotency_key_in_use");
    const kept = await findAnswer(trx, named);
    if (kept === null) {
      const view = await perform({ ...scope, db: trx, numbersOf: async () => numbers });
      await keepAnswer(trx, named, { fingerprint, status, body: JSON.stringify(view) });
      return view;
    }
    if (!kept.fingerprint.equals(fingerprint)) throw new PublicError("idempotency_key_reused");
    reply.code(kept.status).header("idempotent-replayed", "true");
    return JSON.parse(kept.body) as View;
  });
}

/** Method and path: an id in it may be spelled otherwise the second time. */
function operationOf({ method, routeOptions, params }: FastifyRequest): string {
  const { id = "" } = params as { readonly id?: string };
  const { url = "" } = routeOptions;
  return `${method} ${url.replace(":id", () => parseTransactionId(id) ?? id)}`;
}

/** The same text for bodies that ask for the same: names in order, and without what is null, which is as good as left out. */
function canonical(body: unknown): string {
  return JSON.stringify(body ?? null, (_name, value: unknown) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const told = Object.entries(value).filter(([, each]) => each !== null);
    return Object.fromEntries(told.sort(([one], [other]) => (one < other ? -1 : 1)));
  });
}
