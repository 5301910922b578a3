import { randomUUID } from "node:crypto";
import { isRenewalOffered } from "../core/access.ts";
import { quotesOn } from "../core/number-choice.ts";
import { daysAfter, later } from "../core/time.ts";
import { accessUntil, type Order, type Transaction } from "../core/transaction.ts";
import { newTransactionId } from "../core/transaction-id.ts";
import { cancel, resume } from "../core/transitions.ts";
import { type Db, databaseNow } from "../db/database.ts";
import { numbersOfMerchant } from "../db/numbers.ts";
import { openTransaction } from "../db/opening.ts";
import { findRenewal } from "../db/passes.ts";
import { changeTransaction } from "../db/transactions.ts";

/** What it takes to renew a pass, as its holder is told before they agree. */
export interface RenewalOffer {
  readonly passId: string;
  readonly totalRappen: number;
  /** When the pass ends, or ended, and when its renewal does if it is paid now. */
  readonly endsAt: Date;
  readonly newEndsAt: Date;
  readonly isOver: boolean;
}

/** The renewal of a pass whose end is near or just past; null where there is none to offer. */
export async function offerRenewal(db: Db, pass: Transaction, now: Date): Promise<RenewalOffer | null> {
  const endsAt = accessUntil(pass);
  if (!endsAt || !isRenewalOffered(pass, now)) return null;
  const standing = await findRenewal(db, pass.id);
  if (standing?.paidAt) return null;
  const best = standing ? null : await bestNumber(db, pass);
  const totalRappen = standing?.totalRappen ?? best?.quote.totalRappen;
  if (totalRappen === undefined) return null;
  const newEndsAt = daysAfter(later(endsAt, now), standing?.accessDays ?? pass.accessDays);
  return { passId: pass.id, totalRappen, endsAt, newEndsAt, isOver: endsAt <= now };
}

/**
 * The transaction that renews a pass, ready to be paid: the one that is open, or resumed, or else a new one like the
 * order that is renewed. Asked any number of times at once, it is the same one. Null where no renewal is offered.
 */
export async function takeUpRenewal(db: Db, pass: Transaction): Promise<Transaction | null> {
  const now = await databaseNow(db);
  if (!isRenewalOffered(pass, now)) return null;
  const standing = await findRenewal(db, pass.id);
  if (standing?.paidAt) return null;
  if (standing) {
    const resumed = await changeTransaction(db, standing.id, resume);
    if (resumed?.refusal === null) return resumed.transaction;
    // It can't be taken up any more, so it makes room; unless it could be later, and a part of it is billed.
    if (resumed?.refusal !== "transaction_over" && standing.billedRappen > 0) return null;
    await changeTransaction(db, standing.id, cancel("clock"));
  }
  const best = await bestNumber(db, pass);
  if (!best) return null;
  const order = renewalOrder(pass, { number: best.number.number, tariffId: best.number.tariff.id });
  const opened = await openTransaction(db, order, best.quote);
  return "refusal" in opened ? findRenewal(db, pass.id) : opened;
}

/** The order over again. Its reference stays with the first: it is the merchant's own name for that one. */
function renewalOrder(pass: Transaction, on: { readonly number: string; readonly tariffId: number }): Order {
  const { merchantId, test, amountRappen, currency, description, items, returnUrl, cancelUrl } = pass;
  const { language, accessDays, metadata, autoConfirmSeconds } = pass;
  const same = { merchantId, test, amountRappen, currency, description, items, returnUrl, cancelUrl };
  return {
    ...same,
    ...on,
    language,
    accessDays,
    metadata,
    autoConfirmSeconds,
    id: newTransactionId(randomUUID),
    reference: null,
    renews: pass.id,
    accessAfter: accessUntil(pass),
    donation: null,
  };
}

/** The number the pass was paid on, while it is in service and can bill the amount; else the merchant's best. */
async function bestNumber(db: Db, pass: Transaction) {
  const numbers = await numbersOfMerchant(db, pass.merchantId);
  const { quotes } = quotesOn(numbers, { amountRappen: pass.amountRappen });
  return quotes.find(({ number }) => number.number === pass.number) ?? quotes[0] ?? null;
}
