import type { FastifyReply, FastifyRequest } from "fastify";
import { ERRORS, type ErrorCode } from "../core/errors.ts";
import { type MessageKey, message } from "../core/messages.ts";
import { PLAYS } from "../core/played-call.ts";
import { problemOf } from "../core/problem.ts";
import type { Transaction } from "../core/transaction.ts";
import { showErrorPage } from "./error-page.ts";
import { languageOf, languageQuery } from "./language.ts";

const RETRY_SECONDS = 30;

const TEXTS: Partial<Readonly<Record<ErrorCode, MessageKey>>> = {
  test_only: "test.onlyTest",
  transaction_expired: "test.onlyLate",
  call_in_progress: "test.running",
  transaction_already_paid: "test.over",
  transaction_cancelled: "test.over",
  transaction_over: "test.over",
};

/** Why something can't be played: a page for browsers, and for everybody else the problem that web services answer. */
export async function refusePlay(
  request: FastifyRequest,
  reply: FastifyReply,
  refused: { readonly transaction: Transaction; readonly refusal: ErrorCode; readonly baseUrl: string },
): Promise<FastifyReply> {
  const { transaction, refusal, baseUrl } = refused;
  const { status } = ERRORS[refusal];
  if (status === 429 || status === 503) reply.header("retry-after", RETRY_SECONDS);
  if (request.headers.accept?.includes("text/html")) return showPage(request, reply, transaction, refusal);
  const errors = refusal === "field_invalid" ? [{ path: "/action", message: `one of ${PLAYS.join(", ")}` }] : [];
  return reply
    .code(status)
    .type("application/problem+json")
    .send(JSON.stringify(problemOf(refusal, { baseUrl, requestId: request.id, errors })));
}

function showPage(
  request: FastifyRequest,
  reply: FastifyReply,
  { id, language }: Transaction,
  refusal: ErrorCode,
): Promise<FastifyReply> {
  const spoken = languageOf(request, language);
  const { status } = ERRORS[refusal];
  const text = TEXTS[refusal];
  return showErrorPage(request, reply, {
    status: status === 429 || status === 503 ? status : status === 422 ? 422 : 409,
    language,
    ...(text ? { text: message(spoken, text) } : {}),
    next: { href: `/pay/${id}${languageQuery(request)}`, text: message(spoken, "pay.cancel.keep") },
  });
}
