import { type Language, message } from "./messages.ts";
import { formatMoney } from "./money.ts";
import type { Segment } from "./tariff.ts";

/** National form without spaces, as stored: 0900900904. */
export type SmartNumber = string;

const INTERNATIONAL_PREFIX = /^(?:\+41|0041|41)(?=90[016][0-9]{6}$)/;
const NATIONAL = /^090[016][0-9]{6}$/;

/** Reads 0900…, +41900…, 0041900… with or without spaces; null for anything that isn't a Swiss 0900, 0901 or 0906 number. */
export function parseSmartNumber(text: string): SmartNumber | null {
  const national = text.replace(/[\s'-]/g, "").replace(INTERNATIONAL_PREFIX, "0");
  return NATIONAL.test(national) ? national : null;
}

/** «0900 900 904»: the four-digit prefix stands apart, as BAKOM asks. */
export function formatSmartNumber(number: SmartNumber): string {
  return `${number.slice(0, 4)} ${number.slice(4, 7)} ${number.slice(7)}`;
}

/** +41900900904 */
export function e164(number: SmartNumber): string {
  return `+41${number.slice(1)}`;
}

/** «CHF 1.20/min», «CHF 3.00/call»: the price that has to stand beside the number wherever it is shown. */
export function priceText(segments: readonly Segment[], language: Language): string {
  const fixed = segments.find((segment) => segment.kind === "fixed");
  const time = segments.findLast((segment) => segment.kind === "time" || segment.kind === "pulse");
  const price = time ? formatMoney(time.rappenPerMinute) : "";
  if (fixed && time)
    return message(language, "pay.tariff.basePlusMinute", { base: formatMoney(fixed.priceRappen), price });
  if (time) return message(language, "pay.tariff.perMinute", { price });
  const repeat = segments.find((segment) => segment.kind === "repeat");
  return message(language, "pay.tariff.perCall", {
    price: formatMoney(fixed?.priceRappen ?? repeat?.priceRappen ?? 0),
  });
}
