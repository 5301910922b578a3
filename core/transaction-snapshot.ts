import { accessUntil, remainingRappen, type Transaction } from "./transaction.ts";

/**
 * A transaction in the names that merchants know, without what is worked out for one reader or moment: no code, and
 * nothing of a caller. An event keeps it as it was.
 */
export function snapshotOf(transaction: Transaction) {
  return {
    id: transaction.id,
    status: transaction.status,
    exception: transaction.exception,
    amount: transaction.amountRappen,
    total: transaction.totalRappen,
    currency: transaction.currency,
    billed: transaction.billedRappen,
    remaining: remainingRappen(transaction),
    expectedSeconds: transaction.expectedSeconds,
    expiresAt: transaction.expiresAt.toISOString(),
    resumableUntil: transaction.resumableUntil.toISOString(),
    accessUntil: iso(accessUntil(transaction)),
    renews: transaction.renews,
    donation: donationOf(transaction),
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

function donationOf({ donation, amountChosenAt }: Transaction) {
  if (!donation) return null;
  const { minimumRappen, maximumRappen, suggestionsRappen } = donation;
  return {
    minimum: minimumRappen,
    maximum: maximumRappen,
    suggestions: [...suggestionsRappen],
    chosenAt: iso(amountChosenAt),
  };
}

function iso(date: Date | null): string | null {
  return date ? date.toISOString() : null;
}
