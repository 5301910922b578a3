import type { Donation } from "./donation.ts";
import type { Language } from "./messages.ts";
import type { Rappen } from "./money.ts";
import type { Quote } from "./quote.ts";
import type { Segment } from "./tariff.ts";
import { daysAfter, later } from "./time.ts";
import type { TrunkBilling } from "./trunk.ts";

export type Status = "open" | "calling" | "paid" | "confirmed" | "redeemed" | "expired" | "cancelled";
export type PaymentException = "none" | "underpaid" | "paid_late" | "overpaid";

/** How long a shopper may start to pay a transaction. */
export const OPEN_MINUTES = 30;
/** How long an interrupted or expired transaction can be taken up again by its id. */
export const RESUMABLE_DAYS = 7;

export interface Item {
  readonly description: string;
  readonly quantity: number;
  readonly amountRappen: Rappen;
}

/** What is fixed when a transaction is opened; only the tariff may change, by `requote`, and a donation's amount, by its giver. */
export interface Order {
  readonly id: string;
  readonly merchantId: number;
  readonly test: boolean;
  readonly amountRappen: Rappen;
  readonly currency: "CHF";
  readonly number: string;
  readonly tariffId: number;
  readonly description: string;
  readonly items: readonly Item[];
  readonly reference: string | null;
  readonly returnUrl: string;
  readonly cancelUrl: string | null;
  /** Null: the pay page follows the shopper's browser. */
  readonly language: Language | null;
  readonly accessDays: number;
  /** The pass that this one prolongs, and when that one ends: this one's access doesn't begin before. */
  readonly renews: string | null;
  readonly accessAfter: Date | null;
  /** Null: the amount is the merchant's. */
  readonly donation: Donation | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly autoConfirmSeconds: number;
}

export interface Transaction extends Order {
  readonly status: Status;
  readonly exception: PaymentException;
  readonly totalRappen: Rappen;
  readonly billedRappen: Rappen;
  readonly expectedSeconds: number;
  /** When the giver of a donation chose the amount last; before, nothing can be paid. */
  readonly amountChosenAt: Date | null;
  /** Twelve digits that open the pass once it is paid; null without a pass. */
  readonly accessCode: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly resumableUntil: Date;
  /** When the merchant was told that the time to pay had run out, if ever: a payment after that is late. */
  readonly expiredAt: Date | null;
  readonly paidAt: Date | null;
  readonly confirmedAt: Date | null;
  readonly redeemedAt: Date | null;
  readonly redeemedBy: string | null;
  readonly cancelledAt: Date | null;
}

/** As it is on the day it is opened: nothing billed, nothing chosen, nothing ended. */
export function openedTransaction(
  order: Order,
  opening: Pick<Transaction, "accessCode" | "createdAt" | "expiresAt" | "resumableUntil"> & {
    readonly quote: Pick<Quote, "totalRappen" | "expectedSeconds">;
  },
): Transaction {
  const { quote: quoted, ...rest } = opening;
  return {
    ...order,
    ...rest,
    status: "open",
    exception: "none",
    totalRappen: quoted.totalRappen,
    billedRappen: 0,
    expectedSeconds: quoted.expectedSeconds,
    amountChosenAt: null,
    expiredAt: null,
    paidAt: null,
    confirmedAt: null,
    redeemedAt: null,
    redeemedBy: null,
    cancelledAt: null,
  };
}

/** Status by the clock: an open transaction whose time has run out is expired, whether or not a job has noted it yet. */
export function statusAt(transaction: Transaction, now: Date): Status {
  return transaction.status === "open" && transaction.expiresAt <= now ? "expired" : transaction.status;
}

export function remainingRappen(transaction: Transaction): Rappen {
  return Math.max(0, transaction.totalRappen - transaction.billedRappen);
}

export function isPaid(status: Status): boolean {
  return status === "paid" || status === "confirmed" || status === "redeemed";
}

/** Until when a pass opens the merchant's service; null without a pass or before it is paid. */
export function accessUntil(transaction: Transaction): Date | null {
  const { accessDays, paidAt, accessAfter } = transaction;
  if (accessDays === 0 || !paidAt) return null;
  return daysAfter(later(paidAt, accessAfter ?? paidAt), accessDays);
}

/** The terms on which a number's callers pay. */
export interface Terms {
  readonly segments: readonly Segment[];
  readonly codeBeforeAnswer: boolean;
  readonly trunk?: TrunkBilling;
}
