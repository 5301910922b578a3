import { whyNotRenewable } from "../core/access.ts";
import type { PublicError } from "../core/errors.ts";
import { statusAt, type Transaction } from "../core/transaction.ts";
import { cancel, type Transition } from "../core/transitions.ts";
import { type Db, databaseNow } from "../db/database.ts";
import { findRenewal } from "../db/passes.ts";
import { changeTransaction } from "../db/transactions.ts";
import { ownTransactionIn } from "./own-transaction.ts";
import type { Scope } from "./quotes.ts";
import { refusedField } from "./refusal.ts";

/** The client's paid pass that is to be prolonged by so many days. Throws a PublicError as refusal. */
export async function readRenewed(scope: Scope, id: string, accessDays: number): Promise<Transaction> {
  if (accessDays === 0) throw refusedField("field_invalid", "/accessDays", "must be given with renews, from 1");
  const renewed = await ownTransactionIn(scope, id, "/renews");
  const refusal = whyNotRenewable(renewed, accessDays, await databaseNow(scope.db));
  if (!refusal) return renewed;
  const message = renewed.paidAt ? "would have access too far ahead, or is no pass" : "isn't paid";
  throw refusedField(refusal, "/renews", message);
}

/**
 * A renewal that ran out of time, with nothing billed for it or beyond taking up again, makes room for a new one.
 * Answers whether it did.
 */
export async function freeRenewal(db: Db, passId: string): Promise<boolean> {
  const standing = await findRenewal(db, passId);
  if (!standing) return true;
  const freed = await changeTransaction(db, standing.id, giveWay);
  return freed?.transaction.status === "cancelled";
}

const giveWay: Transition = (transaction, now) => {
  const isOver = transaction.resumableUntil <= now || transaction.billedRappen === 0;
  return statusAt(transaction, now) === "expired" && isOver ? cancel("clock")(transaction, now) : null;
};

/** The refusal that names the renewal there is. */
export async function renewalExists(db: Db, passId: string): Promise<PublicError> {
  const standing = await findRenewal(db, passId);
  const message = standing ? `has the renewal ${standing.id}` : "has another renewal";
  return refusedField("renewal_exists", "/renews", message);
}
