import { formatAccessCode } from "../core/access-code.ts";
import { formatDate } from "../core/durations.ts";
import { type Language, message } from "../core/messages.ts";
import { formatMoney } from "../core/money.ts";
import { DAY_MS, daysAfter, later } from "../core/time.ts";
import { accessUntil } from "../core/transaction.ts";
import type { RenewalOffer } from "./renewal.ts";
import type { PayFacts } from "./view-model.ts";

/** The pass of a paid transaction as its pages show it; null without one. */
export function passView(
  { transaction, renewal, now }: Pick<PayFacts, "transaction" | "renewal" | "now">,
  language: Language,
) {
  const until = accessUntil(transaction);
  if (!until || transaction.accessCode === null) return null;
  const digits = transaction.accessCode.split("").join(", ");
  return {
    code: formatAccessCode(transaction.accessCode),
    spelled: message(language, "access.codeSpelled", { digits }),
    ...untilView(until, now, language),
    renewal: renewal && renewalView(renewal, language),
  };
}

/** For how long an unpaid pass will open, and until when its days last that are added to another's. */
export function boughtDays({ transaction, now }: Pick<PayFacts, "transaction" | "now">, language: Language) {
  const { accessDays, accessAfter, paidAt } = transaction;
  if (accessDays === 0 || paidAt) return [];
  const days = message(language, "access.days", { n: accessDays });
  if (!accessAfter) return [days];
  const end = formatDate(language, daysAfter(later(accessAfter, now), accessDays));
  return [days, message(language, "access.renew.newEnd", { date: end })];
}

/** Until when access stands open, to the minute, and how many days that leaves, a begun one being a day. */
export function untilView(until: Date, now: Date, language: Language) {
  const days = Math.ceil((until.getTime() - now.getTime()) / DAY_MS);
  return {
    isOver: until <= now,
    until: formatDate(language, until, true),
    validUntil: message(language, "access.validUntil", { date: formatDate(language, until, true) }),
    daysLeft: days > 0 ? message(language, "access.daysLeft", { n: days }) : null,
  };
}

/** What a renewal costs, and until when it lasts if it is paid now. */
export function renewalView({ passId, endsAt, totalRappen, newEndsAt, isOver }: RenewalOffer, language: Language) {
  return {
    passId,
    notice: isOver ? null : message(language, "access.renew.notice", { date: formatDate(language, endsAt) }),
    price: message(language, "access.renew.price", { total: formatMoney(totalRappen) }),
    newEnd: message(language, "access.renew.newEnd", { date: formatDate(language, newEndsAt) }),
  };
}
