import type { ErrorCode } from "./errors.ts";
import type { Rappen } from "./money.ts";
import { quote } from "./quote.ts";
import { earlier, later, minutesAfter } from "./time.ts";
import { isPaid, OPEN_MINUTES, statusAt, type Terms, type Transaction } from "./transaction.ts";

export type TransactionEvent =
  | "transaction.created"
  | "transaction.amount_chosen"
  | "transaction.call_started"
  | "transaction.call_ended"
  | "transaction.paid"
  | "transaction.paid_late"
  | "transaction.overpaid"
  | "transaction.confirmed"
  | "transaction.redeemed"
  | "transaction.expired"
  | "transaction.requoted"
  | "transaction.resumed"
  | "transaction.cancelled";

/** A change: the row as it shall be, and the journal line that tells it. */
export interface Change {
  readonly next: Transaction;
  readonly event: TransactionEvent;
  readonly data?: Readonly<Record<string, string | number | boolean | null>>;
}

export type Refusal = { readonly refusal: ErrorCode };
/** Null: nothing to change, and nothing wrong. */
export type Transition = (transaction: Transaction, now: Date) => Change | Refusal | null;

/**
 * A caller's code was claimed. What this call was billed before the code was known counts at once; the total is worked
 * out anew, because a second call climbs its staircase from the first pulse again.
 */
export function startCall(call: Terms & { readonly leg: number; readonly billedRappen: Rappen }): Transition {
  return (transaction, now) => {
    const blocked = whyNotPayable(transaction, now);
    if (blocked) return { refusal: blocked };
    const creditRappen = transaction.billedRappen;
    const plan = quote({ ...call, amountRappen: transaction.amountRappen, creditRappen });
    if ("refusal" in plan) return { refusal: plan.refusal };
    const next: Transaction = {
      ...transaction,
      status: "calling",
      billedRappen: creditRappen + call.billedRappen,
      totalRappen: plan.totalRappen,
      expectedSeconds: plan.expectedSeconds,
    };
    return { next, event: "transaction.call_started", data: { leg: call.leg, creditRappen } };
  };
}

/** Pulses were booked: the transaction is paid as soon as they reach the total, and overpaid if they pass it. */
export const applyPulses: Transition = (transaction, now) => {
  const { billedRappen, totalRappen } = transaction;
  const over = billedRappen > totalRappen;
  if (isPaid(transaction.status)) {
    if (!over || transaction.exception === "overpaid" || transaction.exception === "paid_late") return null;
    return { next: { ...transaction, exception: "overpaid" }, event: "transaction.overpaid", data: { billedRappen } };
  }
  if (transaction.status !== "calling" || billedRappen < totalRappen) return null;
  const late = transaction.expiredAt !== null;
  const exception = late ? "paid_late" : over ? "overpaid" : "none";
  return {
    next: { ...transaction, status: "paid", exception, paidAt: now },
    event: late ? "transaction.paid_late" : "transaction.paid",
    data: { billedRappen },
  };
};

/** The call is over. Unpaid, the transaction is open again, for another call; what was billed stays as its credit. */
export function endCall(call: Terms & { readonly leg: number; readonly reason: string }): Transition {
  return (transaction, now) => {
    if (transaction.status !== "calling") return null;
    const plan = quote({ ...call, amountRappen: transaction.amountRappen, creditRappen: transaction.billedRappen });
    const expiresAt = later(transaction.expiresAt, minutesAfter(now, OPEN_MINUTES));
    const next: Transaction = {
      ...transaction,
      status: "open",
      exception: transaction.billedRappen > 0 ? "underpaid" : transaction.exception,
      expiresAt,
      resumableUntil: later(transaction.resumableUntil, expiresAt),
      ...("refusal" in plan ? {} : { totalRappen: plan.totalRappen, expectedSeconds: plan.expectedSeconds }),
    };
    return {
      next,
      event: "transaction.call_ended",
      data: { leg: call.leg, reason: call.reason, billedRappen: next.billedRappen },
    };
  };
}

/**
 * A call that was given up turned out to have been longer than was known: its last pulses are billed only now. They pay
 * the transaction if they reach its total, and else are credit for the next call.
 */
export function completeCall(call: Terms & { readonly leg: number; readonly reason: string }): Transition {
  return (transaction, now) => {
    const { status, billedRappen, totalRappen, expiredAt } = transaction;
    if (status === "calling" || isPaid(status)) return applyPulses(transaction, now);
    if (status === "cancelled") return null;
    if (billedRappen < totalRappen) {
      const again = endCall(call)({ ...transaction, status: "calling" }, now);
      return again && "next" in again ? { ...again, next: { ...again.next, status } } : again;
    }
    return applyPulses({ ...transaction, status: "calling", expiredAt }, now);
  };
}

/**
 * The number has another tariff now: before a code is shown beside the new price, the total is that of the new price.
 * What was billed on the old one stays billed. Nothing is quoted anew in mid-call.
 */
export function requote(terms: Terms & { readonly tariffId: number }): Transition {
  return (transaction, now) => {
    const blocked = whyNotPayable(transaction, now);
    if (blocked) return { refusal: blocked };
    const { tariffId, amountRappen, billedRappen: creditRappen } = transaction;
    if (tariffId === terms.tariffId) return null;
    const plan = quote({ ...terms, amountRappen, creditRappen });
    if ("refusal" in plan) return { refusal: plan.refusal };
    const { totalRappen, expectedSeconds } = plan;
    return {
      next: { ...transaction, tariffId: terms.tariffId, totalRappen, expectedSeconds },
      event: "transaction.requoted",
      data: { tariffId: terms.tariffId, totalRappen },
    };
  };
}

/** The shopper's last click, or the clock's in their stead. */
export function confirm(by: "shopper" | "clock"): Transition {
  return (transaction, now) => {
    if (transaction.status === "confirmed" || transaction.status === "redeemed") return null;
    if (transaction.status !== "paid") return { refusal: whyNotPaid(transaction, now) };
    return {
      next: { ...transaction, status: "confirmed", confirmedAt: now },
      event: "transaction.confirmed",
      data: { by },
    };
  };
}

/** The merchant consumes the payment, once. A shopper who closed the page after paying is taken as having confirmed. */
export function redeem(by: string): Transition {
  return (transaction, now) => {
    if (transaction.status === "redeemed") return { refusal: "transaction_already_redeemed" };
    if (!isPaid(transaction.status)) return { refusal: whyNotPaid(transaction, now) };
    const confirmedAt = transaction.confirmedAt ?? now;
    return {
      next: { ...transaction, status: "redeemed", confirmedAt, redeemedAt: now, redeemedBy: by },
      event: "transaction.redeemed",
      data: { by },
    };
  };
}

export function cancel(by: "shopper" | "merchant" | "clock"): Transition {
  return (transaction, now) => {
    if (transaction.status === "cancelled") return null;
    if (transaction.status === "calling") return { refusal: "call_in_progress" };
    if (isPaid(transaction.status)) return { refusal: "transaction_already_paid" };
    const next: Transaction = { ...transaction, status: "cancelled", cancelledAt: now };
    return { next, event: "transaction.cancelled", data: { by, billedRappen: transaction.billedRappen } };
  };
}

/** Notes for the merchant what the clock has decided already. */
export const expire: Transition = (transaction, now) => {
  if (transaction.status !== "open" || transaction.expiresAt > now) return null;
  const next: Transaction = { ...transaction, status: "expired", expiredAt: transaction.expiredAt ?? now };
  return { next, event: "transaction.expired", data: { billedRappen: transaction.billedRappen } };
};

/** The shopper takes an expired transaction up again by its id. */
export const resume: Transition = (transaction, now) => {
  const status = statusAt(transaction, now);
  if (status === "cancelled") return { refusal: "transaction_cancelled" };
  if (status !== "expired") return null;
  if (transaction.resumableUntil <= now) return { refusal: "transaction_over" };
  const expiresAt = earlier(minutesAfter(now, OPEN_MINUTES), transaction.resumableUntil);
  const expiredAt = transaction.expiredAt ?? transaction.expiresAt;
  return { next: { ...transaction, status: "open", expiresAt, expiredAt }, event: "transaction.resumed" };
};

/** Why no code may be issued or claimed for it now; null when it may be paid. */
export function whyNotPayable(transaction: Transaction, now: Date): ErrorCode | null {
  const status = statusAt(transaction, now);
  if (status === "open") return transaction.donation && !transaction.amountChosenAt ? "amount_not_chosen" : null;
  if (status === "calling") return "call_in_progress";
  if (status === "expired") return transaction.resumableUntil <= now ? "transaction_over" : "transaction_expired";
  return status === "cancelled" ? "transaction_cancelled" : "transaction_already_paid";
}

function whyNotPaid(transaction: Transaction, now: Date): ErrorCode {
  const status = statusAt(transaction, now);
  if (status === "cancelled") return "transaction_cancelled";
  return status === "expired" ? "transaction_expired" : "transaction_not_paid";
}
