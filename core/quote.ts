import type { ErrorCode } from "./errors.ts";
import type { Rappen } from "./money.ts";
import {
  CALL_SECONDS_MAX,
  nextPulseAtMs,
  type Pulse,
  pulseReaching,
  pulsesDue,
  pulsesOf,
  type Segment,
} from "./tariff.ts";
import { countsAfterMs, TRUNK_BILLING, type TrunkBilling } from "./trunk.ts";

/**
 * The shortest call that can pay where the code is keyed after answer: four digits over the prompt, and the naming of
 * merchant and total. Where the code is keyed before answer, all of that is over when billing starts.
 */
export const SHORTEST_CALL_SECONDS = 6;

/** When to release a call that has to bring `neededRappen`, in ms since answer. */
export interface ReleaseWindow {
  readonly pulse: Pulse;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
}

export interface Quote {
  readonly amountRappen: Rappen;
  /** What the line will be billed in all: the amount rounded up to what the tariff can bill. */
  readonly totalRappen: Rappen;
  readonly overshootRappen: Rappen;
  readonly pulses: number;
  /** How long the (next) call lasts from answer to release, rounded up. */
  readonly expectedSeconds: number;
  readonly window: ReleaseWindow;
}

export type QuoteRefusal = Extract<ErrorCode, "amount_invalid" | "amount_too_small" | "amount_unreachable">;

/** Where the safe window of the pulse lies that brings a call to `neededRappen`; null when no call can reach it. */
export function releaseWindow(
  segments: readonly Segment[],
  neededRappen: Rappen,
  trunk: TrunkBilling = TRUNK_BILLING,
): ReleaseWindow | null {
  const pulse = pulseReaching(segments, Math.max(1, neededRappen));
  if (!pulse) return null;
  const lateMs = countsAfterMs(trunk.durationRounding);
  const nextAtMs = nextPulseAtMs(segments, pulse);
  return {
    pulse,
    opensAtMs: pulse.startsAtMs + lateMs + trunk.guardAfterPulseMs,
    closesAtMs: nextAtMs + lateMs - trunk.guardBeforePulseMs,
  };
}

/**
 * The first moment from `elapsedMs` on at which a call can be ended without a doubt about what it owes: not just before
 * a pulse, when the carrier may still count it, and not just after, when it may not count it yet.
 */
export function safeMomentMs(
  segments: readonly Segment[],
  elapsedMs: number,
  trunk: TrunkBilling = TRUNK_BILLING,
): number {
  const lateMs = countsAfterMs(trunk.durationRounding);
  const due = pulsesDue(segments, elapsedMs - lateMs);
  const last = pulsesOf(segments)[due - 1];
  if (!last) return elapsedMs;
  const nextAtMs = nextPulseAtMs(segments, last) + lateMs;
  if (elapsedMs > nextAtMs - trunk.guardBeforePulseMs) return nextAtMs + trunk.guardAfterPulseMs;
  return Math.max(elapsedMs, last.startsAtMs + lateMs + trunk.guardAfterPulseMs);
}

/**
 * What paying `amountRappen` on this tariff means for the caller, `creditRappen` of it being billed already by earlier
 * calls. Refuses amounts that one allowed call cannot reach, and those that the shortest call would overshoot.
 */
export function quote(order: {
  readonly segments: readonly Segment[];
  readonly amountRappen: Rappen;
  readonly creditRappen?: Rappen;
  readonly codeBeforeAnswer: boolean;
}): Quote | { readonly refusal: QuoteRefusal } {
  const { segments, amountRappen, creditRappen = 0, codeBeforeAnswer } = order;
  if (!Number.isSafeInteger(amountRappen) || amountRappen <= 0) return { refusal: "amount_invalid" };
  const window = releaseWindow(segments, amountRappen - creditRappen);
  if (!window || window.opensAtMs > CALL_SECONDS_MAX * 1_000) return { refusal: "amount_unreachable" };
  const shortestSeconds = codeBeforeAnswer ? 0 : SHORTEST_CALL_SECONDS;
  // With a credit the shopper is already on the way: a last step that is too short then costs a little more, and says so.
  if (creditRappen === 0 && window.closesAtMs < shortestSeconds * 1_000) return { refusal: "amount_too_small" };
  const totalRappen = creditRappen + window.pulse.billedRappen;
  return {
    amountRappen,
    totalRappen,
    overshootRappen: totalRappen - amountRappen,
    pulses: window.pulse.sequence,
    expectedSeconds: Math.max(Math.ceil(window.opensAtMs / 1_000), shortestSeconds),
    window,
  };
}
