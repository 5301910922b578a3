/**
 * How sure a figure is: `confirmed` by the source named beside it, `deduced` from what is, or `unverified`, from memory
 * or from a page that doesn't say where it has it.
 */
export type Certainty = "confirmed" | "deduced" | "unverified";

/** A figure of the law and where it stands. Null: no such rule is known, and the source says what was looked at. */
export interface Figure<T> {
  readonly value: T | null;
  readonly certainty: Certainty;
  readonly source: string;
}

/** How time may be billed: the first increment and those after it, no longer than this. */
export interface IncrementLimit {
  readonly firstMaxSeconds: number;
  readonly nextMaxSeconds: number;
}

/** After how long a call must be ended where the price per minute is above `abovePerMinute`. */
export interface Disconnection {
  readonly abovePerMinute: number;
  readonly seconds: number;
}

/**
 * What a country asks of premium-rate numbers, from `validFrom` on until the next set of that country. Amounts are in
 * minor units of its currency. «Above» is strict: where a duty begins above 2.00, 2.00 itself is free of it.
 */
export interface CountryProfile {
  /** ISO 3166. */
  readonly country: string;
  /** First day (ISO date) of this set; null where the day isn't known, so that the set counts as far back as asked. */
  readonly validFrom: string | null;
  /** ISO 4217. */
  readonly currency: string;
  /** A national number, without spaces, that is a premium-rate one. */
  readonly numbers: Figure<RegExp>;
  /** How a national number is grouped in print: digits from the left. */
  readonly numberGroups: Figure<readonly number[]>;
  readonly fixedFeeMax: Figure<number>;
  readonly perMinuteMax: Figure<number>;
  /** Most that a call may cost in all. */
  readonly perCallMax: Figure<number>;
  /** The same for calls that cost both a fixed fee and a price for time. */
  readonly mixedCallMax: Figure<number>;
  /** Any one of these is enough. */
  readonly increments: Figure<readonly IncrementLimit[]>;
  /** Above these the price is said beforehand, for nothing. */
  readonly announceAboveFixed: Figure<number>;
  readonly announceAbovePerMinute: Figure<number>;
  /** So long after its announcement the price may start. */
  readonly graceSeconds: Figure<number>;
  /** Above these the caller must agree by a key. */
  readonly consentAboveFixed: Figure<number>;
  readonly consentAbovePerMinute: Figure<number>;
  /** Dearest first; the first that fits counts. */
  readonly disconnections: Figure<readonly Disconnection[]>;
  /** Whether a caller who only waits may be billed by time. */
  readonly timeBilledHold: Figure<"allowed" | "forbidden">;
  /** What a caller pays beside our price, in words; null: nothing. */
  readonly extraCallerCharge: Figure<string>;
  /** What stands where number and price are shown. */
  readonly display: readonly Figure<string>[];
}

export function confirmed<T>(value: T, source: string): Figure<T> {
  return { value, certainty: "confirmed", source };
}

export function deduced<T>(value: T, source: string): Figure<T> {
  return { value, certainty: "deduced", source };
}

export function unverified<T>(value: T, source: string): Figure<T> {
  return { value, certainty: "unverified", source };
}

/** Nothing is known: `looked` says where it was looked for, or what would have to be read. */
export function unknown(looked: string): Figure<never> {
  return { value: null, certainty: "unverified", source: looked };
}
