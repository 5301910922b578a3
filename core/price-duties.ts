import type { CountryProfile, Figure } from "./country-profiles/profile.ts";
import { profileOn } from "./country-profiles/profiles.ts";
import type { Rappen } from "./money.ts";
import type { Segment } from "./tariff.ts";

/** What a tariff owes its callers before the price may run. */
export interface PriceDuties {
  readonly announce: boolean;
  readonly consent: boolean;
  readonly graceSeconds: number;
}

/** The duties of a running number: by the law of its country as of the day whose rules it went into service under. */
export function priceDuties(
  segments: readonly Segment[],
  under: { readonly country: string; readonly rulesOn: string },
): PriceDuties {
  const profile = profileOn(under.country, under.rulesOn);
  if (!profile) throw new RangeError(`no rules of ${under.country} are known for ${under.rulesOn}`);
  return dutiesUnder(profile, segments);
}

export function dutiesUnder(profile: CountryProfile, segments: readonly Segment[]): PriceDuties {
  const fixed = dearestFee(segments);
  const perMinute = dearestMinute(segments);
  return {
    announce: isAbove(fixed, profile.announceAboveFixed) || isAbove(perMinute, profile.announceAbovePerMinute),
    consent: isAbove(fixed, profile.consentAboveFixed) || isAbove(perMinute, profile.consentAbovePerMinute),
    graceSeconds: profile.graceSeconds.value ?? 0,
  };
}

export function dearestFee(segments: readonly Segment[]): Rappen {
  return Math.max(0, ...segments.map((segment) => ("priceRappen" in segment ? segment.priceRappen : 0)));
}

export function dearestMinute(segments: readonly Segment[]): Rappen {
  return Math.max(0, ...segments.map((segment) => ("rappenPerMinute" in segment ? segment.rappenPerMinute : 0)));
}

/** Strictly: the figure itself is free of the duty. */
function isAbove(amount: number, limit: Figure<number>): boolean {
  return limit.value !== null && amount > limit.value;
}
