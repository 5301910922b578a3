import { type Order, openedTransaction, type Transaction } from "../../core/transaction.ts";

const ORDER: Order = {
  id: "3F2504E0-4F89-41D3-9A0C-0305E82C3301",
  merchantId: 1,
  test: false,
  amountRappen: 100,
  currency: "CHF",
  number: "0900900904",
  tariffId: 1,
  description: "Album",
  items: [],
  reference: null,
  returnUrl: "https://shop.example",
  cancelUrl: null,
  language: null,
  accessDays: 0,
  renews: null,
  accessAfter: null,
  donation: null,
  metadata: {},
  autoConfirmSeconds: 180,
};

/** A transaction of CHF 1.00 that was opened at noon, with the changes asked for. */
export function transactionWith(changes: Partial<Transaction> = {}): Transaction {
  const opened = openedTransaction(ORDER, {
    quote: { totalRappen: 100, expectedSeconds: 50 },
    accessCode: null,
    createdAt: new Date("2026-11-02T12:00:00Z"),
    expiresAt: new Date("2026-11-02T12:30:00Z"),
    resumableUntil: new Date("2026-11-09T12:00:00Z"),
  });
  return { ...opened, ...changes };
}
