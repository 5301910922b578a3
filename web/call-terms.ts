import { encode } from "uqr";
import { spellDuration } from "../core/durations.ts";
import { type Language, message } from "../core/messages.ts";
import { priceDuties } from "../core/price-duties.ts";
import { e164, formatSmartNumber, priceText, type SmartNumber } from "../core/smart-number.ts";
import type { Segment } from "../core/tariff.ts";

/** A price as it is printed: it may break before «/min», and nowhere else. */
export interface PrintedPrice {
  readonly amount: string;
  readonly unit: string;
}

export interface PrintedNumber {
  readonly text: string;
  readonly tel: string;
  readonly price: PrintedPrice;
}

export function printedNumber(number: SmartNumber, segments: readonly Segment[], language: Language): PrintedNumber {
  const price = priceText(segments, language);
  const slash = price.lastIndexOf("/");
  return {
    text: formatSmartNumber(number),
    tel: `tel:${e164(number)}`,
    price: { amount: slash < 0 ? price : price.slice(0, slash), unit: slash < 0 ? "" : price.slice(slash) },
  };
}

/** The number as a QR code: side length in modules and the path that draws the dark ones. */
export function qrOf(text: string): { readonly size: number; readonly path: string } {
  const { size, data } = encode(text, { ecc: "M", border: 0 });
  const runs: string[] = [];
  data.forEach((row, y) => {
    for (let x = 0; x < size; x++) {
      const from = x;
      while (row[x]) x++;
      if (x > from) runs.push(`M${from} ${y}h${x - from}v1h-${x - from}z`);
    }
  });
  return { size, path: runs.join("") };
}

/** When billing starts: said only where no uncharged time comes first. */
export function startOfBilling(segments: readonly Segment[], language: Language): string | null {
  const first = segments[0];
  const free = first?.kind === "free" || (first?.kind === "time" && first.rappenPerMinute === 0);
  return free ? null : message(language, "pay.call.chargesFromAnswer");
}

/** What hanging up early costs: by the second, in started steps, or with a fixed fee that stays. */
export function hangUpTerms(segments: readonly Segment[], language: Language): string {
  if (segments.some((segment) => segment.kind === "fixed")) return message(language, "pay.call.hangUpAnyTimeFixed");
  const stepSeconds = Math.max(1, ...segments.map(longestStep));
  if (stepSeconds === 1) return message(language, "pay.call.hangUpAnyTime");
  return message(language, "pay.call.hangUpAnyTimeSteps", { duration: spellDuration(language, stepSeconds) });
}

/** The # key, where the law that the number is under wants an express yes to the price (PBV/OIP art. 11a). */
export function consentHint(
  segments: readonly Segment[],
  language: Language,
  under: { readonly country: string; readonly rulesOn: string },
): string | null {
  return priceDuties(segments, under).consent ? message(language, "pay.call.consent") : null;
}

function longestStep(segment: Segment): number {
  if (segment.kind === "repeat") return segment.everySeconds;
  if (segment.kind === "pulse") return Math.ceil((60 * segment.pulseRappen) / segment.rappenPerMinute);
  return segment.kind === "time" ? Math.max(segment.incrementSeconds, segment.firstIncrementSeconds ?? 0) : 0;
}
