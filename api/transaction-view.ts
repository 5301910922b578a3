import { formatAccessCode } from "../core/access-code.ts";
import { planCall } from "../core/quote.ts";
import type { Tariff } from "../core/tariff.ts";
import { accessUntil, isPaid, remainingRappen, statusAt, type Transaction } from "../core/transaction.ts";
import { type CallsBefore, creditsOf } from "../db/call-legs.ts";
import type { Moment } from "../db/moments.ts";
import { readMoment } from "../db/moments.ts";
import { findTariff } from "../db/numbers.ts";
import { paidRenewalsOf } from "../db/passes.ts";
import { numberView } from "./numbers.ts";
import type { Scope } from "./quotes.ts";
import type { TransactionView } from "./transaction-schemas.ts";

/** Transactions as merchants read them, by the database's clock, with the codes that are alive. */
export async function viewTransactions(
  scope: Pick<Scope, "db" | "baseUrl">,
  transactions: readonly Transaction[],
): Promise<TransactionView[]> {
  const ids = transactions.map((transaction) => transaction.id);
  const passes = transactions.filter(({ accessDays, paidAt }) => accessDays > 0 && paidAt).map(({ id }) => id);
  const [moment, credits, renewals] = await Promise.all([
    readMoment(scope.db, ids),
    creditsOf(scope.db, ids),
    paidRenewalsOf(scope.db, passes),
  ]);
  return Promise.all(
    transactions.map(async (transaction) => {
      const tariff = await findTariff(scope.db, transaction.tariffId);
      const calls = callsInAll(transaction, tariff, credits.get(transaction.id));
      const renewedBy = renewals.get(transaction.id) ?? null;
      return transactionView(transaction, { moment, tariff, calls, renewedBy, baseUrl: scope.baseUrl });
    }),
  );
}

/**
 * How many calls the payment takes, those that brought something included. How the trunk counts and when the code is
 * keyed move the end of a call, not how many there are.
 */
function callsInAll(
  transaction: Transaction,
  { segments }: Tariff,
  { callsBefore, creditRappen }: CallsBefore = { callsBefore: 0, creditRappen: 0 },
): number {
  const neededRappen = transaction.amountRappen - creditRappen;
  if (isPaid(transaction.status) && neededRappen <= 0) return callsBefore;
  return planCall({ segments, codeBeforeAnswer: false, neededRappen, callsBefore })?.calls ?? callsBefore;
}

function transactionView(
  transaction: Transaction,
  context: {
    readonly moment: Moment;
    readonly tariff: Tariff;
    readonly calls: number;
    readonly renewedBy: string | null;
    readonly baseUrl: string;
  },
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
    calls: context.calls,
    expectedSeconds: transaction.expectedSeconds,
    code: code ? { value: code.code, expiresAt: code.expiresAt.toISOString() } : null,
    expiresAt: transaction.expiresAt.toISOString(),
    resumableUntil: transaction.resumableUntil.toISOString(),
    accessUntil: iso(accessUntil(transaction)),
    accessCode: transaction.accessCode && transaction.paidAt ? formatAccessCode(transaction.accessCode) : null,
    renews: transaction.renews,
    renewedBy: context.renewedBy,
    donation: donationView(transaction),
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

function donationView({ donation, amountChosenAt }: Transaction): TransactionView["donation"] {
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
