import type { Rappen } from "./money.ts";

/** How a carrier makes whole seconds of a call's length before it charges for them. */
export type DurationRounding = "up" | "half_up" | "down";

/**
 * What is known of the carrier behind a SIP trunk: how it counts, and how sure we have to be before a call is ended.
 * The dialplan names the trunk of each call; the database holds its settings.
 */
export interface TrunkBilling {
  readonly durationRounding: DurationRounding;
  /** Hang up no sooner than this after a pulse counts. */
  readonly guardAfterPulseMs: number;
  /** Hang up no later than this before the next one counts. */
  readonly guardBeforePulseMs: number;
  /** Step to which the caller's operator may round the sum of a call up (OST art. 39b allows 10 rappen). */
  readonly totalRoundingRappen: Rappen;
}

/** The way of counting alone, of whatever else is known of a trunk. */
export function billingOf(trunk: TrunkBilling): TrunkBilling {
  const { durationRounding, guardAfterPulseMs, guardBeforePulseMs, totalRoundingRappen } = trunk;
  return { durationRounding, guardAfterPulseMs, guardBeforePulseMs, totalRoundingRappen };
}

/**
 * Unless an operator knows better: clock skew may not lose a pulse, and with one-second increments 600 ms are right for
 * carriers that round a call up or half up (docs/decisions/0004).
 */
export const TRUNK_BILLING: TrunkBilling = {
  durationRounding: "up",
  guardAfterPulseMs: 600,
  guardBeforePulseMs: 250,
  totalRoundingRappen: 10,
};

/**
 * How long after it has fallen a pulse counts. A carrier that rounds a call up charges the second that has begun; one
 * that rounds half up wants half of it to have passed, and one that rounds down all of it.
 */
export function countsAfterMs(rounding: DurationRounding): number {
  return { up: 0, half_up: 500, down: 1_000 }[rounding];
}
