import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { message } from "../core/messages.ts";
import { parseTransactionId } from "../core/transaction-id.ts";
import { showErrorPage } from "./error-page.ts";
import { languageOf } from "./language.ts";
import { UNKNOWN_IDS } from "./rate-limits.ts";

/** The id in the address, in any form a person may have typed it; null when it isn't one. */
export function idOf(request: FastifyRequest): string | null {
  return parseTransactionId((request.params as { readonly id: string }).id);
}

export type AnswerUnknown = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** The 404 page of unknown transactions. Who asks for too many of them is told to wait. */
export function answerUnknownTransactions(app: FastifyInstance): AnswerUnknown {
  const check = app.createRateLimit(UNKNOWN_IDS);
  return async (request, reply) => {
    const tried = await check(request);
    if (!tried.isAllowed && tried.isExceeded) {
      reply.header("retry-after", tried.ttlInSeconds);
      return showErrorPage(request, reply, { status: 429 });
    }
    return showErrorPage(request, reply, { status: 404, text: message(languageOf(request), "pay.error.unknown") });
  };
}
