import type { FastifyInstance } from "fastify";
import { formatDate, formatDuration } from "../core/durations.ts";
import { type Language, message } from "../core/messages.ts";
import { formatFrancs, formatMoney } from "../core/money.ts";
import { isPaid } from "../core/transaction.ts";
import { brandOf } from "./brand.ts";
import { callMs, callSeconds } from "./call-duration.ts";
import { languageOf, languageQuery } from "./language.ts";
import type { WebOptions } from "./options.ts";
import { readPayFacts } from "./pay-facts.ts";
import { PAGE_VIEWS } from "./rate-limits.ts";
import { frame } from "./templates.ts";
import { answerUnknownTransactions, idOf } from "./transaction-in-path.ts";
import { type PayFacts, payView } from "./view-model.ts";

/** The printable receipt of a paid transaction; any other is sent to its pay page. */
export function receiptRoute(app: FastifyInstance, { db, provider }: WebOptions): void {
  const unknown = answerUnknownTransactions(app);
  app.get("/pay/:id/receipt", { config: { rateLimit: PAGE_VIEWS } }, async (request, reply) => {
    const id = idOf(request);
    const facts = id ? await readPayFacts(db, id, { provider, issue: false }) : null;
    if (!facts) return unknown(request, reply);
    const query = languageQuery(request);
    if (!isPaid(facts.transaction.status)) return reply.redirect(`/pay/${facts.transaction.id}${query}`, 303);
    const language = languageOf(request, facts.transaction.language);
    const page = payView(facts, language, query);
    const title = `${message(language, "pay.receipt.title")} – ${facts.merchant.name} – Phone2Pay`;
    return reply.view("receipt.njk", {
      ...frame(language, title, brandOf(facts)),
      page,
      receipt: receiptView(facts, language),
    });
  });
}

/** What the receipt adds to the pay page: lines, calls, dates. */
function receiptView({ transaction, calls, now }: PayFacts, language: Language) {
  const { items, description, amountRappen, billedRappen, confirmedAt, paidAt } = transaction;
  const until = paidAt ?? now;
  const lines = items.length > 0 ? items : [{ description, quantity: 1, amountRappen }];
  return {
    lines: lines.map((line) => ({
      text: line.description,
      quantity: String(line.quantity),
      amount: formatFrancs(line.amountRappen),
    })),
    total: formatFrancs(billedRappen),
    confirmed: confirmedAt
      ? message(language, "pay.receipt.confirmed", { date: formatDate(language, confirmedAt, true) })
      : null,
    date: formatDate(language, calls[0]?.startedAt ?? until, true),
    calls: calls.map((call, index) => ({
      label: message(language, "pay.label.call", { n: index + 1 }),
      text: `${formatDuration(callMs(call, until) / 1_000)}, ${formatMoney(call.billedRappen)}`,
    })),
    duration: formatDuration(callSeconds(calls, until) ?? 0),
  };
}
