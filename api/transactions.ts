import { randomUUID } from "node:crypto";
import { type ErrorCode, PublicError } from "../core/errors.ts";
import { accessUntil, type Item, type Order } from "../core/transaction.ts";
import { newTransactionId, parseTransactionId } from "../core/transaction-id.ts";
import { cancel, expire, redeem, type Transition } from "../core/transitions.ts";
import { openTransaction } from "../db/opening.ts";
import {
  changeTransaction,
  type JournalLine,
  listTransactions,
  PAGE_ROWS_MAX,
  readJournal,
} from "../db/transactions.ts";
import { readDonation } from "./donations.ts";
import { owns, ownTransaction, ownTransactionIn } from "./own-transaction.ts";
import { quoteAmount, type Scope } from "./quotes.ts";
import { refusedField, ToldRefusal } from "./refusal.ts";
import { freeRenewal, readRenewed, renewalExists } from "./renewals.ts";
import { readReturnUrl } from "./return-url.ts";
import type { ListQuery, NewTransaction, TransactionView } from "./transaction-schemas.ts";
import { viewNewTransaction, viewTransaction, viewTransactions } from "./transaction-view.ts";

/** Opens a transaction on the number asked for, or on the one that fits the amount best. Throws a PublicError as refusal. */
export async function createTransaction(scope: Scope, wish: NewTransaction): Promise<TransactionView> {
  const { merchant, test } = scope.client;
  const items = readItems(wish);
  const rule = { origins: merchant.returnOrigins };
  const returnUrl = readReturnUrl(wish.returnUrl, { ...rule, field: "returnUrl" });
  const cancelUrl = wish.cancelUrl ? readReturnUrl(wish.cancelUrl, { ...rule, field: "cancelUrl" }) : null;
  const donation = readDonation(wish);
  const renewed = wish.renews ? await readRenewed(scope, wish.renews, wish.accessDays ?? 0) : null;
  const [{ number, quote }] = await quoteAmount(scope, {
    amountRappen: wish.amount,
    number: wish.number,
    ...(donation ? { alsoRappen: [donation.minimumRappen, donation.maximumRappen] } : {}),
  });
  const order: Order = {
    id: newTransactionId(randomUUID),
    merchantId: merchant.id,
    test,
    amountRappen: wish.amount,
    currency: wish.currency,
    number: number.number,
    tariffId: number.tariff.id,
    description: wish.description,
    items,
    reference: wish.reference ?? null,
    returnUrl,
    cancelUrl,
    language: wish.language ?? null,
    accessDays: wish.accessDays ?? 0,
    renews: renewed?.id ?? null,
    accessAfter: renewed && accessUntil(renewed),
    donation,
    metadata: wish.metadata ?? {},
    autoConfirmSeconds: merchant.autoConfirmSeconds,
  };
  let opened = await openTransaction(scope.db, order, quote);
  if (isRefused(opened, "renewal_exists") && renewed && (await freeRenewal(scope.db, renewed.id)))
    opened = await openTransaction(scope.db, order, quote);
  if (isRefused(opened, "reference_in_use") && (await freeReference(scope, order.reference)))
    opened = await openTransaction(scope.db, order, quote);
  if (isRefused(opened, "renewal_exists")) throw await renewalExists(scope.db, order.renews ?? "");
  if ("refusal" in opened) throw new PublicError(opened.refusal, undefined, { fields: fieldOfReference });
  return viewNewTransaction(scope, opened);
}

function isRefused(opened: object, code: ErrorCode): boolean {
  return "refusal" in opened && opened.refusal === code;
}

/** One of the client's own transactions; another merchant's, or the other mode's, is as unknown as one that never was. */
export async function checkTransaction(scope: Scope, id: string): Promise<TransactionView> {
  return viewTransaction(scope, await ownTransaction(scope, id));
}

/** A page of the client's transactions, newest first. */
export async function pageTransactions(
  scope: Scope,
  query: ListQuery,
): Promise<{ data: TransactionView[]; hasMore: boolean }> {
  const { limit, status, reference, startingAfter } = query;
  const filter = { merchantId: scope.client.merchant.id, test: scope.client.test, status, reference };
  const after =
    startingAfter === undefined ? undefined : (await ownTransactionIn(scope, startingAfter, "/startingAfter")).id;
  const rows = await listTransactions(scope.db, { ...filter, after, limit: limit + 1 });
  return { data: await viewTransactions(scope, rows.slice(0, limit)), hasMore: rows.length > limit };
}

/** Consumes a paid transaction, once: of any number of redeems at the same moment one succeeds. */
export async function redeemTransaction(scope: Scope, id: string): Promise<TransactionView> {
  const { transaction, refusal } = await changeOwn(scope, id, redeem(scope.client.keyName));
  if (refusal === null) return viewTransaction(scope, transaction);
  const { redeemedAt, redeemedBy } = transaction;
  if (refusal === "transaction_already_redeemed" && redeemedAt && redeemedBy)
    throw new ToldRefusal(refusal, { redeemedAt: redeemedAt.toISOString(), redeemedBy });
  throw new PublicError(refusal);
}

/** Cancels an unpaid transaction; cancelling it twice is the same as once. */
export async function cancelTransaction(scope: Scope, id: string): Promise<TransactionView> {
  const { transaction, refusal } = await changeOwn(scope, id, cancel("merchant"));
  if (refusal !== null) throw new PublicError(refusal);
  return viewTransaction(scope, transaction);
}

/** Everything that happened to a transaction, oldest first. */
export async function eventsOfTransaction(scope: Scope, id: string): Promise<readonly JournalLine[]> {
  const { id: own } = await ownTransaction(scope, id);
  return readJournal(scope.db, own);
}

async function changeOwn(scope: Scope, text: string, transition: Transition) {
  const id = parseTransactionId(text);
  const ownOnly: Transition = (transaction, now) =>
    owns(scope.client, transaction) ? transition(transaction, now) : { refusal: "transaction_unknown" };
  const changed = id === null ? null : await changeTransaction(scope.db, id, ownOnly);
  if (!changed || changed.refusal === "transaction_unknown") throw new PublicError("transaction_unknown");
  return changed;
}

const fieldOfReference = [{ path: "/reference", message: "is that of another open transaction" }];

/**
 * A reference is held by the row's status, which a job changes some time after the clock has. Notes the expiry in its
 * stead, so that a shopper who comes back late isn't refused; answers whether that freed the reference.
 */
async function freeReference(scope: Scope, reference: string | null): Promise<boolean> {
  if (reference === null) return false;
  const { merchant, test } = scope.client;
  const filter = { merchantId: merchant.id, test, reference, status: "expired", limit: PAGE_ROWS_MAX } as const;
  const holder = (await listTransactions(scope.db, filter)).find((transaction) => transaction.status === "open");
  if (!holder) return false;
  const noted = await changeTransaction(scope.db, holder.id, expire);
  return noted?.transaction.status === "expired";
}

function readItems(wish: NewTransaction): readonly Item[] {
  const items = (wish.items ?? []).map(({ description, quantity, amount }) => ({
    description,
    quantity,
    amountRappen: amount,
  }));
  const sumRappen = items.reduce((sum, item) => sum + item.amountRappen, 0);
  if (items.length === 0 || sumRappen === wish.amount) return items;
  throw refusedField("field_invalid", "/items", `the amounts sum up to ${sumRappen}, not to ${wish.amount}`);
}
