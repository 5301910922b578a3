import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Donation, mayChooseAmount } from "../core/donation.ts";
import { type Language, message } from "../core/messages.ts";
import { formatFrancs, formatMoney, parseFrancs, type Rappen } from "../core/money.ts";
import { chooseDonation } from "../db/donations.ts";
import { brandOf } from "./brand.ts";
import type { DonationChoice } from "./donation-view.ts";
import { allowFormsTo } from "./headers.ts";
import { languageOf, languageQuery } from "./language.ts";
import type { WebOptions } from "./options.ts";
import { readPayFacts } from "./pay-facts.ts";
import { DECISIONS, PAGE_VIEWS } from "./rate-limits.ts";
import { frame } from "./templates.ts";
import { answerUnknownTransactions, idOf } from "./transaction-in-path.ts";
import { type PayFacts, payView } from "./view-model.ts";

/** Longest text that is read as an amount, and printed back. */
const TYPED_AMOUNT_CHARACTERS_MAX = 20;

/** Where the giver of a donation chooses the amount, and changes it until something is billed. */
export function donationRoutes(app: FastifyInstance, { db, provider }: WebOptions): void {
  const unknown = answerUnknownTransactions(app);

  app.get("/pay/:id/amount", { config: { rateLimit: PAGE_VIEWS } }, async (request, reply) => {
    const id = idOf(request);
    const facts = id ? await readPayFacts(db, id, { provider, issue: false }) : null;
    if (!facts) return unknown(request, reply);
    return askAmount(request, reply, facts, { typed: null, error: null });
  });

  app.post("/pay/:id/amount", { config: { rateLimit: DECISIONS } }, async (request, reply) => {
    const id = idOf(request);
    const facts = id ? await readPayFacts(db, id, { provider, issue: false }) : null;
    if (!facts) return unknown(request, reply);
    const language = languageOf(request, facts.transaction.language);
    const { donation } = facts.transaction;
    if (!donation) return toPayPage(request, reply, facts);
    const typed = typedAmount(request.body);
    const amountRappen = parseFrancs(typed);
    const wrong = whatIsWrong(amountRappen, { donation, proposedRappen: facts.transaction.amountRappen }, language);
    if (amountRappen === null || wrong) return askAmount(request, reply.code(422), facts, { typed, error: wrong });
    const chosen = await chooseDonation(db, { transactionId: facts.transaction.id, amountRappen });
    if (chosen?.refusal !== "amount_too_small" && chosen?.refusal !== "amount_unreachable")
      return toPayPage(request, reply, facts);
    return askAmount(request, reply.code(422), facts, { typed, error: message(language, "donation.unreachable") });
  });
}

/** Asks for the amount; where it can't be chosen any more, the pay page shows how things stand. */
function askAmount(request: FastifyRequest, reply: FastifyReply, facts: PayFacts, choice: DonationChoice) {
  const { transaction, now } = facts;
  if (!mayChooseAmount(transaction, now)) return toPayPage(request, reply, facts);
  allowFormsTo(reply, [transaction.returnUrl, transaction.cancelUrl]);
  const language = languageOf(request, transaction.language);
  const page = payView({ ...facts, choice }, language, languageQuery(request));
  return reply.view("pay.njk", { ...frame(language, page.title, brandOf(facts)), page });
}

function toPayPage(request: FastifyRequest, reply: FastifyReply, { transaction }: PayFacts): FastifyReply {
  return reply.redirect(`/pay/${transaction.id}${languageQuery(request)}`, 303);
}

function typedAmount(form: unknown): string {
  const { amount } = (form ?? {}) as { readonly amount?: unknown };
  return typeof amount === "string" ? amount.trim().slice(0, TYPED_AMOUNT_CHARACTERS_MAX) : "";
}

function whatIsWrong(
  amountRappen: Rappen | null,
  limits: { readonly donation: Donation; readonly proposedRappen: Rappen },
  language: Language,
): string | null {
  const { minimumRappen, maximumRappen } = limits.donation;
  if (amountRappen === null)
    return message(language, "donation.invalid", { example: formatFrancs(limits.proposedRappen) });
  if (amountRappen < minimumRappen) return message(language, "donation.tooLow", { min: formatMoney(minimumRappen) });
  return amountRappen > maximumRappen
    ? message(language, "donation.tooHigh", { max: formatMoney(maximumRappen) })
    : null;
}
