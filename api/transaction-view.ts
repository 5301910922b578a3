import type { Tariff } from "../core/tariff.ts";
import { accessUntil, remainingRappen, statusAt, type Transaction } from "../core/transaction.ts";
import type { Moment } from "../db/moments.ts";
import { readMoment } from "../db/moments.ts";
import { findTariff } from "../db/numbers.ts";
import { numberView } from "./numbers.ts";
import type { Scope } from "./quotes.ts";
import type { TransactionView } from "./transaction-schemas.ts";

/** Transactions as merchants read them, by the database's clock, with the codes that are alive. */
export async function viewTransactions(
  scope: Pick<Scope, "db" | "baseUrl">,
  transactions: readonly Transaction[],
): Promise<TransactionView[]> {
  const ids = transactions.map((transaction) => transaction.id);
  const moment = await readMoment(scope.db, ids);
  return Promise.all(
    transactions.map(async (transaction) => {
      const tariff = await findTariff(scope.db, transaction.tariffId);
      return transactionView(transaction, { moment, tariff, baseUrl: scope.baseUrl });
    }),
  );
}

function transactionView(
  transaction: Transaction,
  context: { readonly moment: Moment; readonly tariff: Tariff; readonly baseUrl: string },
): TransactionView {
  const { id } = transaction;
  const status = statusAt(transaction, context.moment.now);
  const code = status === "open" ? context.moment.codes.get(id) : undefined;
  return {
    id,
    status,
    exception: transaction.exception,
    amount: transaction.amountRappen,
    total: transaction.totalRappen,
    currency: transaction.currency,
    billed: transaction.billedRappen,
    remaining: remainingRappen(transaction),
    payUrl: `${context.baseUrl}/pay/${id}`,
    number: numberView(transaction.number, context.tariff.segments, transaction.language ?? "en"),
    expectedSeconds: transaction.expectedSeconds,
    code: code ? { value: code.code, expiresAt: code.expiresAt.toISOString() } : null,
    expiresAt: transaction.expiresAt.toISOString(),
    resumableUntil: transaction.resumableUntil.toISOString(),
    accessUntil: iso(accessUntil(transaction)),
    test: transaction.test,
    reference: transaction.reference,
    metadata: { ...transaction.metadata },
    description: transaction.description,
    items: transaction.items.map(({ description, quantity, amountRappen }) => ({
      description,
      quantity,
      amount: amountRappen,
    })),
    language: transaction.language,
    accessDays: transaction.accessDays,
    returnUrl: transaction.returnUrl,
    cancelUrl: transaction.cancelUrl,
    createdAt: transaction.createdAt.toISOString(),
    paidAt: iso(transaction.paidAt),
    confirmedAt: iso(transaction.confirmedAt),
    redeemedAt: iso(transaction.redeemedAt),
    redeemedBy: transaction.redeemedBy,
    cancelledAt: iso(transaction.cancelledAt),
  };
}

function iso(date: Date | null): string | null {
  return date ? date.toISOString() : null;
}
