import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ErrorCode } from "../core/errors.ts";
import { type MessageKey, message } from "../core/messages.ts";
import { isPaid, statusAt, type Transaction } from "../core/transaction.ts";
import { cancel, confirm, resume } from "../core/transitions.ts";
import { issueCode } from "../db/codes.ts";
import type { Db } from "../db/database.ts";
import { findMerchant } from "../db/merchants.ts";
import { changeTransaction, findTransaction } from "../db/transactions.ts";
import { brandOf, findBrandView } from "./brand.ts";
import { showErrorPage } from "./error-page.ts";
import { allowFormsTo } from "./headers.ts";
import { languageOf, languageQuery } from "./language.ts";
import type { WebOptions } from "./options.ts";
import { readPayFacts } from "./pay-facts.ts";
import { CODE_RENEWALS, DECISIONS, PAGE_VIEWS } from "./rate-limits.ts";
import { showResumeRefusal } from "./resume-refusal.ts";
import { withTransaction } from "./return-url.ts";
import { frame } from "./templates.ts";
import { testPanelView } from "./test-panel.ts";
import { type AnswerUnknown, answerUnknownTransactions, idOf } from "./transaction-in-path.ts";
import { payView } from "./view-model.ts";

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** The pay page and what a shopper can do on it. */
export function payRoutes(app: FastifyInstance, options: WebOptions): void {
  const unknown = answerUnknownTransactions(app);
  const limited = (rateLimit: { readonly max: number; readonly timeWindow: number }) => ({ config: { rateLimit } });
  app.get("/pay/:id", limited(PAGE_VIEWS), showPayPage(options, unknown));
  app.get("/pay/:id/cancel", limited(PAGE_VIEWS), askToCancel(options, unknown));
  // What stays in the address bar when a form was refused leads back to the page, reloaded or typed.
  for (const form of ["code", "confirm", "resume"])
    app.get(`/pay/:id/${form}`, limited(PAGE_VIEWS), backToPayPage(unknown));
  app.post("/pay/:id/code", limited(CODE_RENEWALS), renewCode(options, unknown));
  app.post("/pay/:id/confirm", limited(DECISIONS), confirmPayment(options, unknown));
  app.post("/pay/:id/cancel", limited(DECISIONS), cancelPayment(options, unknown));
  app.post("/pay/:id/resume", limited(DECISIONS), resumePayment(options, unknown));
}

/** Shows where the payment stands; the first look at an open one issues its code. */
function showPayPage({ db, provider, testLine }: WebOptions, unknown: AnswerUnknown): Handler {
  return async (request, reply) => {
    const id = idOf(request);
    const facts = id ? await readPayFacts(db, id, { provider, issue: true }) : null;
    if (!facts) return unknown(request, reply);
    const { returnUrl, cancelUrl } = facts.transaction;
    allowFormsTo(reply, [returnUrl, cancelUrl]);
    const language = languageOf(request, facts.transaction.language);
    const query = languageQuery(request);
    const page = payView(facts, language, query);
    const panel = testLine && facts.transaction.test ? testPanelView(facts, language, query) : null;
    return reply.view("pay.njk", { ...frame(language, page.title, brandOf(facts)), page, panel });
  };
}

/** A fresh code in place of the old one; where none can be had, the page that follows says why. */
function renewCode({ db }: WebOptions, unknown: AnswerUnknown): Handler {
  return async (request, reply) => {
    const id = idOf(request);
    const transaction = id ? await findTransaction(db, id) : null;
    if (!transaction) return unknown(request, reply);
    const { codeSeconds } = await findMerchant(db, transaction.merchantId);
    await issueCode(db, { transactionId: transaction.id, lifeSeconds: codeSeconds });
    return toPayPage(request, reply, transaction);
  };
}

/** The last click. Once paid it always ends at the merchant's, with the id only: what it's worth, the merchant asks us. */
function confirmPayment({ db }: WebOptions, unknown: AnswerUnknown): Handler {
  return async (request, reply) => {
    const id = idOf(request);
    const changed = id ? await changeTransaction(db, id, confirm("shopper")) : null;
    if (!changed) return unknown(request, reply);
    const { transaction, refusal } = changed;
    if (refusal) return refuse(request, reply, { db, transaction, refusal });
    return reply.redirect(withTransaction(transaction.returnUrl, transaction.id), 303);
  };
}

/** Asks once more, and says what was billed; where nothing can be cancelled, the pay page says why. */
function askToCancel({ db, provider }: WebOptions, unknown: AnswerUnknown): Handler {
  return async (request, reply) => {
    const id = idOf(request);
    const facts = id ? await readPayFacts(db, id, { provider, issue: false }) : null;
    if (!facts) return unknown(request, reply);
    const { transaction } = facts;
    const status = statusAt(transaction, facts.now);
    if (status !== "open" && status !== "expired") return toPayPage(request, reply, transaction);
    allowFormsTo(reply, [transaction.returnUrl, transaction.cancelUrl]);
    const language = languageOf(request, transaction.language);
    const page = payView(facts, language, languageQuery(request));
    const title = message(language, "pay.cancel.question");
    return reply.view("cancel.njk", { ...frame(language, title, brandOf(facts)), page });
  };
}

function cancelPayment({ db }: WebOptions, unknown: AnswerUnknown): Handler {
  return async (request, reply) => {
    const id = idOf(request);
    const changed = id ? await changeTransaction(db, id, cancel("shopper")) : null;
    if (!changed) return unknown(request, reply);
    const { transaction, refusal } = changed;
    if (refusal) return toPayPage(request, reply, transaction);
    return reply.redirect(withTransaction(transaction.cancelUrl ?? transaction.returnUrl, transaction.id), 303);
  };
}

/** Takes an expired payment up again; whatever else it is, its page tells. */
function resumePayment({ db }: WebOptions, unknown: AnswerUnknown): Handler {
  return async (request, reply) => {
    const id = idOf(request);
    const changed = id ? await changeTransaction(db, id, resume) : null;
    if (!changed) return unknown(request, reply);
    const { transaction, refusal } = changed;
    if (refusal === "reference_in_use" || refusal === "transaction_over")
      return showResumeRefusal(request, reply, { db, transaction, refusal });
    return toPayPage(request, reply, transaction);
  };
}

function backToPayPage(unknown: AnswerUnknown): Handler {
  return async (request, reply) => {
    const id = idOf(request);
    return id ? reply.redirect(`/pay/${id}${languageQuery(request)}`, 303) : unknown(request, reply);
  };
}

function toPayPage(request: FastifyRequest, reply: FastifyReply, { id }: Transaction): FastifyReply {
  return reply.redirect(`/pay/${id}${languageQuery(request)}`, 303);
}

const REFUSAL_TITLES: Partial<Readonly<Record<ErrorCode, MessageKey>>> = {
  transaction_cancelled: "pay.status.cancelled",
  transaction_expired: "pay.status.expired",
  transaction_not_paid: "pay.status.notPaid",
};

/** 409 with the reason, and the way back to the page that shows how to go on. */
async function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  refused: { readonly db: Db; readonly transaction: Transaction; readonly refusal: ErrorCode },
): Promise<FastifyReply> {
  const { db, transaction, refusal } = refused;
  const language = languageOf(request, transaction.language);
  if (isPaid(transaction.status)) throw new Error(`a paid transaction was refused: ${refusal}`);
  return showErrorPage(request, reply, {
    status: 409,
    brand: await findBrandView(db, transaction.merchantId),
    language: transaction.language,
    title: message(language, REFUSAL_TITLES[refusal] ?? "error.400.title"),
    text: message(language, "pay.status.notPaidText"),
    next: { href: `/pay/${transaction.id}${languageQuery(request)}`, text: message(language, "pay.cancel.keep") },
  });
}
