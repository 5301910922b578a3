import type { Rappen } from "./money.ts";
import type { Segment } from "./tariff.ts";

/** What the law of a country asks of a premium-rate call, as dated data. «Above» is strict: 2.00 itself is free of the duty. */
export interface LegalLimits {
  readonly country: "CH";
  /** First day (ISO date) on which this set applies. */
  readonly validFrom: string;
  readonly fixedFeeMaxRappen: Rappen;
  readonly perMinuteMaxRappen: Rappen;
  readonly perCallMaxRappen: Rappen;
  readonly announceAboveRappen: Rappen;
  readonly consentAboveFixedRappen: Rappen;
  readonly consentAbovePerMinuteRappen: Rappen;
  /** The price may start only so long after its announcement. */
  readonly graceSeconds: number;
  /** Longest increment for a price per minute; null where the rules name none. */
  readonly incrementMaxSeconds: number | null;
  readonly forcedDisconnectSeconds: number;
  readonly sources: readonly string[];
}

/** Newest first. The pulse era is kept because numbers of that time are still sold in the demo. */
export const SWISS_LIMITS: readonly LegalLimits[] = [
  {
    country: "CH",
    validFrom: "2021-01-01",
    fixedFeeMaxRappen: 10_000,
    perMinuteMaxRappen: 1_000,
    perCallMaxRappen: 40_000,
    announceAboveRappen: 200,
    consentAboveFixedRappen: 1_000,
    consentAbovePerMinuteRappen: 500,
    graceSeconds: 5,
    incrementMaxSeconds: 1,
    forcedDisconnectSeconds: 3_600,
    sources: [
      "OST/FDV art. 39 (caps): https://www.droit-bilingue.ch/de-fr/7/78/784.101.1-39-56.html",
      "OST/FDV art. 39b (billed to the second): https://www.droit-bilingue.ch/de-fr/7/78/784.101.1-39b-58.html",
      "PBV/OIP art. 11a (announcement, grace, consent): https://www.droit-bilingue.ch/de-it/9/94/942.211-11a-15.html",
      "forced disconnection: our own choice, no Swiss rule was found",
    ],
  },
  {
    country: "CH",
    validFrom: "2004-01-01",
    fixedFeeMaxRappen: 10_000,
    perMinuteMaxRappen: 1_000,
    perCallMaxRappen: 40_000,
    announceAboveRappen: 200,
    consentAboveFixedRappen: 1_000,
    consentAbovePerMinuteRappen: 500,
    graceSeconds: 5,
    incrementMaxSeconds: null,
    forcedDisconnectSeconds: 3_600,
    sources: ["10-rappen steps: https://www.teltarif.ch/arch/2005/kw08/s3740.html", "caps as today's OST art. 39"],
  },
];

/** The rules in force on a day (ISO date); throws for days before the oldest set. */
export function swissLimitsOn(day: string): LegalLimits {
  const limits = SWISS_LIMITS.find((set) => set.validFrom <= day);
  if (!limits) throw new RangeError(`no Swiss limits are known for ${day}`);
  return limits;
}

/** What a tariff owes its callers before the price may run. */
export interface PriceDuties {
  readonly announce: boolean;
  readonly consent: boolean;
  readonly graceSeconds: number;
}

export function priceDuties(segments: readonly Segment[], limits: LegalLimits): PriceDuties {
  const fixed = Math.max(0, ...segments.map((segment) => ("priceRappen" in segment ? segment.priceRappen : 0)));
  const perMinute = dearestMinute(segments);
  return {
    announce: Math.max(fixed, perMinute) > limits.announceAboveRappen,
    consent: fixed > limits.consentAboveFixedRappen || perMinute > limits.consentAbovePerMinuteRappen,
    graceSeconds: limits.graceSeconds,
  };
}

/** The rules that a tariff breaks, in words for the operator; an empty list lets a number go into service. */
export function brokenRules(segments: readonly Segment[], limits: LegalLimits): readonly string[] {
  const broken: string[] = [];
  for (const segment of segments) {
    if ("priceRappen" in segment && segment.priceRappen > limits.fixedFeeMaxRappen)
      broken.push(`a fixed fee may not exceed ${limits.fixedFeeMaxRappen} rappen (OST art. 39)`);
    if (segment.kind !== "time") continue;
    if (segment.rappenPerMinute > limits.perMinuteMaxRappen)
      broken.push(`the price may not exceed ${limits.perMinuteMaxRappen} rappen a minute (OST art. 39)`);
    const longest = Math.max(segment.incrementSeconds, segment.firstIncrementSeconds ?? 0);
    if (limits.incrementMaxSeconds !== null && longest > limits.incrementMaxSeconds)
      broken.push(`time is billed in steps of at most ${limits.incrementMaxSeconds} s (OST art. 39b)`);
  }
  return broken;
}

function dearestMinute(segments: readonly Segment[]): Rappen {
  return Math.max(0, ...segments.map((segment) => (segment.kind === "time" ? segment.rappenPerMinute : 0)));
}
