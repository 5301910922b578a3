import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Language, message } from "../core/messages.ts";
import { isPaid } from "../core/transaction.ts";
import { brandOf } from "./brand.ts";
import { showErrorPage } from "./error-page.ts";
import { languageOf, languageQuery } from "./language.ts";
import type { WebOptions } from "./options.ts";
import { readPayFacts } from "./pay-facts.ts";
import { PAGE_VIEWS, RECEIPT_FILES } from "./rate-limits.ts";
import { openReceiptPress, type ReceiptPress } from "./receipt-press.ts";
import { receiptView } from "./receipt-view.ts";
import { frame } from "./templates.ts";
import { type AnswerUnknown, answerUnknownTransactions, idOf } from "./transaction-in-path.ts";
import { type PayFacts, payView } from "./view-model.ts";

/** How soon a browser may ask again for a receipt when too many are being made. */
const RETRY_SECONDS = 10;
/** Swiss days as files are named, so that they sort: Sweden writes them that way. */
const DAY = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Zurich" });
/** What no file system takes in a name, or what would hide the file. */
const NOT_IN_FILE_NAMES = /[\p{C}\p{Z}<>:"'()/\\|?*.%]+/gu;

type Answer = (
  request: FastifyRequest,
  reply: FastifyReply,
  facts: PayFacts,
  language: Language,
) => Promise<FastifyReply>;

/** The receipt of a paid transaction, as a page to print and as a PDF to keep; any other is sent to its pay page. */
export function receiptRoutes(app: FastifyInstance, options: WebOptions): void {
  const unknown = answerUnknownTransactions(app);
  const press = openReceiptPress();
  app.addHook("onClose", () => press[Symbol.asyncDispose]());
  const page = ofPaid(options, unknown, showReceipt(options));
  app.get("/pay/:id/receipt", { config: { rateLimit: PAGE_VIEWS } }, page);
  const file = ofPaid(options, unknown, sendReceipt(options, press));
  app.get("/pay/:id/receipt.pdf", { config: { rateLimit: RECEIPT_FILES } }, file);
}

function ofPaid({ db, provider }: WebOptions, unknown: AnswerUnknown, answer: Answer) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const id = idOf(request);
    const facts = id ? await readPayFacts(db, id, { provider, issue: false }) : null;
    if (!facts) return unknown(request, reply);
    const { transaction } = facts;
    if (!isPaid(transaction.status)) return reply.redirect(`/pay/${transaction.id}${languageQuery(request)}`, 303);
    return answer(request, reply, facts, languageOf(request, transaction.language));
  };
}

function showReceipt({ baseUrl }: WebOptions): Answer {
  return async (request, reply, facts, language) => {
    const page = payView(facts, language, languageQuery(request));
    const receipt = receiptView(facts, page, { language, baseUrl });
    return reply.view("receipt.njk", { ...frame(language, receipt.documentTitle, brandOf(facts)), page, receipt });
  };
}

/** To be kept, not shown: a file full of a merchant's words is never opened as a part of our site. */
function sendReceipt({ baseUrl }: WebOptions, press: ReceiptPress): Answer {
  return async (request, reply, facts, language) => {
    const page = payView(facts, language, languageQuery(request));
    const pdf = await press.print(receiptView(facts, page, { language, baseUrl }));
    if (!pdf) {
      reply.header("retry-after", RETRY_SECONDS);
      const next = { href: page.links.receipt, text: message(language, "pay.receipt.show") };
      return showErrorPage(request, reply, { status: 429, language: facts.transaction.language, next });
    }
    const name = fileName(message(language, "pay.receipt.title"), facts);
    return reply.type("application/pdf").header("content-disposition", asAttachment(name)).send(Buffer.from(pdf));
  };
}

/** «Quittance-Disques-du-Léman-2026-11-25.pdf». Without the id: names of files end up in backups, logs and mails. */
function fileName(title: string, { transaction, merchant, now }: PayFacts): string {
  const words = [title, merchant.name.toWellFormed(), DAY.format(transaction.paidAt ?? now)];
  const clean = words.map((word) => word.replace(NOT_IN_FILE_NAMES, "-").replace(/^-+|-+$/g, ""));
  return `${clean.filter((word) => word !== "").join("-")}.pdf`;
}

/** The name in full for today's browsers (RFC 8187), and in plain letters for the others (RFC 6266). */
function asAttachment(name: string): string {
  const plain = name
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/[^ -~]/g, "_");
  return `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(name)}`;
}
