import { formatAccessCode } from "../core/access-code.ts";
import { planCall } from "../core/quote.ts";
import type { Tariff } from "../core/tariff.ts";
import { isPaid, statusAt, type Transaction } from "../core/transaction.ts";
import { snapshotOf } from "../core/transaction-snapshot.ts";
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

/** One of them. */
export async function viewTransaction(
  scope: Pick<Scope, "db" | "baseUrl">,
  transaction: Transaction,
): Promise<TransactionView> {
  const [view] = await viewTransactions(scope, [transaction]);
  if (!view) throw new Error("a transaction was lost on the way to its answer");
  return view;
}

/** One that was opened just now: no call has brought anything, and no code was shown. */
export async function viewNewTransaction(
  scope: Pick<Scope, "db" | "baseUrl">,
  transaction: Transaction,
): Promise<TransactionView> {
  const tariff = await findTariff(scope.db, transaction.tariffId);
  const moment = { now: transaction.createdAt, codes: new Map() };
  const calls = callsInAll(transaction, tariff);
  return transactionView(transaction, { moment, tariff, calls, renewedBy: null, baseUrl: scope.baseUrl });
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
    ...snapshotOf(transaction),
    status,
    payUrl: payUrlOf(context.baseUrl, id),
    number: numberView(transaction.number, context.tariff.segments, transaction.language ?? "en"),
    calls: context.calls,
    code: code ? { value: code.code, expiresAt: code.expiresAt.toISOString() } : null,
    accessCode: transaction.accessCode && transaction.paidAt ? formatAccessCode(transaction.accessCode) : null,
    renewedBy: context.renewedBy,
  };
}

export function payUrlOf(baseUrl: string, id: string): string {
  return `${baseUrl}/pay/${id}`;
}
