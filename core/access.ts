import type { ErrorCode } from "./errors.ts";
import { DAY_MS, daysAfter } from "./time.ts";
import { accessUntil, isPaid, type Transaction } from "./transaction.ts";

/** No renewal takes access further ahead than this: a month and its renewal. The database holds the same. */
export const ACCESS_AHEAD_DAYS_MAX = 62;
/** How long before its end a pass offers its renewal, or half its length if that is less. */
export const RENEWAL_OFFER_DAYS = 7;
/** How long after its end a pass can still be renewed by its holder. */
export const RENEWAL_GRACE_DAYS = 31;

/** Why an id or code opens nothing. */
export type AccessRefusal = "no_access" | "not_paid" | "cancelled" | "expired";

/** Whether access stands open at a moment, and until when it does, or did. */
export interface Access {
  readonly refusal: AccessRefusal | null;
  readonly until: Date | null;
}

/** A pass that was asked for, and the last paid renewal in the chain that begins with it: itself if there is none. */
export interface Pass {
  readonly asked: Transaction;
  readonly newest: Transaction;
}

/** What a pass is worth now. An id or code of old stands for its renewals too; how often it was used doesn't matter. */
export function accessAt({ asked, newest }: Pass, now: Date): Access {
  const until = accessUntil(newest);
  if (asked.accessDays === 0) return { refusal: "no_access", until: null };
  if (asked.status === "cancelled") return { refusal: "cancelled", until: null };
  if (until === null) return { refusal: "not_paid", until };
  return { refusal: until <= now ? "expired" : null, until };
}

/** Whether the page of a pass offers to renew it: shortly before its end, and for a while after. */
export function isRenewalOffered(newest: Transaction, now: Date): boolean {
  const until = accessUntil(newest);
  if (!until || whyNotRenewable(newest, newest.accessDays, now)) return false;
  const offerDays = Math.min(RENEWAL_OFFER_DAYS, newest.accessDays / 2);
  return daysAfter(until, -offerDays) <= now && now < daysAfter(until, RENEWAL_GRACE_DAYS);
}

/** Why a pass can't be prolonged by so many days now; null when it can. A pass that has ended can: its access begins anew. */
export function whyNotRenewable(pass: Transaction, accessDays: number, now: Date): ErrorCode | null {
  const until = accessUntil(pass);
  if (!isPaid(pass.status) || !until || accessDays === 0) return "renewal_refused";
  const endsMs = until.getTime() + accessDays * DAY_MS;
  return endsMs > daysAfter(now, ACCESS_AHEAD_DAYS_MAX).getTime() ? "renewal_refused" : null;
}
