import type { Transaction, TransactionEvent } from "../sdk/typescript/phone2pay.ts";

export interface Ledger {
  readonly amountRappen: number;
  readonly totalRappen: number;
  readonly calls: readonly { readonly at: string; readonly billedRappen: number }[];
  readonly billedRappen: number;
  /** Billed, or to be billed, beyond the amount: lines bill in steps. */
  readonly overshootRappen: number;
}

/**
 * The money of one sale, in which the calls sum up to what was billed. Each call's start tells what those before it had
 * brought. The events have to be read before the transaction, so that it knows every call that they know.
 */
export function ledgerOf(transaction: Transaction, events: readonly TransactionEvent[]): Ledger {
  const { amount, total, billed } = transaction;
  const starts = events.filter(({ type }) => type === "transaction.call_started");
  const before = starts.map(({ data }) => Number(data.creditRappen ?? 0));
  return {
    amountRappen: amount,
    totalRappen: total,
    calls: starts.map(({ createdAt }, index) => ({
      at: createdAt,
      billedRappen: (before[index + 1] ?? billed) - (before[index] ?? 0),
    })),
    billedRappen: billed,
    overshootRappen: Math.max(total, billed) - amount,
  };
}
