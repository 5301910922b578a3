import type { ErrorCode } from "./errors.ts";
import type { Rappen } from "./money.ts";
import {
  billedAfter,
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
/** Nobody is asked to call more often than this for one purchase. */
export const MULTICALL_MAX = 9;

/** When to release a call that has to bring `neededRappen`, in ms since answer. */
export interface ReleaseWindow {
  readonly pulse: Pulse;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
}

/** One call of a payment: when it is released, what it brings, and how long it lasts from answer to release, rounded up. */
export interface PlannedCall {
  readonly window: ReleaseWindow;
  readonly bringsRappen: Rappen;
  readonly expectedSeconds: number;
}

/** The call under way among all that pay for a transaction. */
export interface CallPlan extends PlannedCall {
  /** From 1, those that brought something before included. */
  readonly callNumber: number;
  /** How many it takes in all. */
  readonly calls: number;
  /** Whether the payment is complete at its release. */
  readonly final: boolean;
}

export interface Quote {
  readonly amountRappen: Rappen;
  /** What the line will be billed in all calls together: the amount rounded up to what the tariff can bill. */
  readonly totalRappen: Rappen;
  readonly overshootRappen: Rappen;
  /** What the caller's bill may read at most: their operator may round each call up (OST art. 39b). */
  readonly billedAtMostRappen: Rappen;
  /** How many calls it takes in all, those included that were made before. */
  readonly calls: number;
  /** Steps billed in the calls that are still to be made. */
  readonly pulses: number;
  /** How long the next call lasts from answer to release, rounded up, and when it is released. */
  readonly expectedSeconds: number;
  readonly window: ReleaseWindow;
  /** How long all calls that are still to be made last together. */
  readonly waitSeconds: number;
}

export type QuoteRefusal = Extract<ErrorCode, "amount_invalid" | "amount_too_small" | "amount_unreachable">;

/** The tariff and the line on which an amount is paid. */
interface Line {
  readonly segments: readonly Segment[];
  readonly codeBeforeAnswer: boolean;
  readonly trunk?: TrunkBilling;
}

/**
 * What paying `amountRappen` on this tariff means for the caller, `creditRappen` of it being billed already by
 * `callsBefore` calls. Refuses amounts that MULTICALL_MAX calls cannot reach, and those that the shortest call would
 * overshoot; whoever has paid a part already is refused neither.
 */
export function quote(
  order: Line & { readonly amountRappen: Rappen; readonly creditRappen?: Rappen; readonly callsBefore?: number },
): Quote | { readonly refusal: QuoteRefusal } {
  const { amountRappen, creditRappen = 0, callsBefore = creditRappen > 0 ? 1 : 0, trunk = TRUNK_BILLING } = order;
  if (!Number.isSafeInteger(amountRappen) || amountRappen <= 0) return { refusal: "amount_invalid" };
  const plan = planCalls({ ...order, neededRappen: amountRappen - creditRappen });
  const isFirst = creditRappen === 0;
  if (!plan || (isFirst && plan.calls > MULTICALL_MAX)) return { refusal: "amount_unreachable" };
  const { next } = plan;
  // With a credit the shopper is already on the way: a last step that is too short then costs a little more, and says so.
  if (isFirst && plan.calls === 1 && isTooShort(next.window, order)) return { refusal: "amount_too_small" };
  const stepRappen = trunk.totalRoundingRappen;
  const totalRappen = creditRappen + plan.sum((call) => call.bringsRappen);
  return {
    amountRappen,
    totalRappen,
    overshootRappen: totalRappen - amountRappen,
    billedAtMostRappen:
      roundedAtMost(creditRappen, callsBefore, stepRappen) +
      plan.sum((call) => roundedAtMost(call.bringsRappen, 1, stepRappen)),
    calls: callsBefore + plan.calls,
    pulses: plan.sum((call) => call.window.pulse.sequence),
    expectedSeconds: next.expectedSeconds,
    window: next.window,
    waitSeconds: plan.sum((call) => call.expectedSeconds),
  };
}

/**
 * What the next call does for a payment that still misses `neededRappen`. A call that can't bring all of it is released
 * after the last pulse it can bring, and the rest is left for another one. Null: this tariff bills nothing.
 */
export function planCall(
  order: Line & { readonly neededRappen: Rappen; readonly callsBefore?: number },
): CallPlan | null {
  const { callsBefore = 0 } = order;
  const plan = planCalls(order);
  return (
    plan && { ...plan.next, callNumber: callsBefore + 1, calls: callsBefore + plan.calls, final: plan.calls === 1 }
  );
}

/** Where the safe window lies of the pulse that brings a call to `neededRappen`, or of the last one that a call can bring. Null: it brings none. */
export function releaseWindow(
  segments: readonly Segment[],
  neededRappen: Rappen,
  trunk: TrunkBilling = TRUNK_BILLING,
): ReleaseWindow | null {
  const lateMs = countsAfterMs(trunk.durationRounding);
  const callEndMs = CALL_SECONDS_MAX * 1_000;
  const lastStartMs = callEndMs - lateMs - trunk.guardAfterPulseMs - trunk.guardBeforePulseMs;
  const last = pulsesOf(segments)[pulsesDue(segments, lastStartMs + 1) - 1];
  if (!last) return null;
  const reaching = pulseReaching(segments, Math.max(1, neededRappen)) ?? last;
  const pulse = reaching.sequence < last.sequence ? reaching : last;
  const nextAtMs = nextPulseAtMs(segments, pulse);
  return {
    pulse,
    opensAtMs: pulse.startsAtMs + lateMs + trunk.guardAfterPulseMs,
    closesAtMs: Math.min(nextAtMs + lateMs, callEndMs) - trunk.guardBeforePulseMs,
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

/** The calls that are still to be made, in order: so many full ones, then one or two that are not. */
interface CallsPlan {
  readonly next: PlannedCall;
  readonly calls: number;
  /** Sum of a figure over all of them. */
  sum(figure: (call: PlannedCall) => number): number;
}

/** Greedy: each call brings what one call can bring at most, and the last one the rest. */
function planCalls(order: Line & { readonly neededRappen: Rappen }): CallsPlan | null {
  const neededRappen = Math.max(1, order.neededRappen);
  const full = plannedCall(order, Number.POSITIVE_INFINITY);
  if (!full) return null;
  const calls = Math.ceil(neededRappen / full.bringsRappen);
  const tail = planTail(order, neededRappen - (calls - 1) * full.bringsRappen, calls === 1 ? null : full);
  const fullCalls = calls - tail.length;
  const next = fullCalls > 0 ? full : tail[0];
  if (!next) throw new Error("a payment without a call");
  return {
    next,
    calls,
    sum: (figure) => fullCalls * figure(full) + tail.reduce((sum, call) => sum + figure(call), 0),
  };
}

/**
 * The last call, or the last two: a rest that is less than the shortest call costs would charge more than was agreed,
 * so the call before leaves it enough.
 */
function planTail(order: Line, restRappen: Rappen, before: PlannedCall | null): readonly PlannedCall[] {
  const last = plannedCall(order, restRappen);
  if (!last) return [];
  if (!before || !isTooShort(last.window, order)) return [last];
  const bothRappen = restRappen + before.bringsRappen;
  const leaveRappen = shortestCallRappen(order);
  const enough = pulsesOf(order.segments).findLast((pulse) => pulse.billedRappen <= bothRappen - leaveRappen);
  const shortened = enough && plannedCall(order, enough.billedRappen);
  const rest = shortened && plannedCall(order, bothRappen - shortened.bringsRappen);
  if (!shortened || !rest || isTooShort(shortened.window, order)) return [last];
  return shortened.bringsRappen + rest.bringsRappen >= bothRappen ? [shortened, rest] : [last];
}

/** What the shortest call brings that can be released at its end. */
function shortestCallRappen(line: Line): Rappen {
  const { durationRounding, guardBeforePulseMs } = line.trunk ?? TRUNK_BILLING;
  const releasedMs = shortestSeconds(line) * 1_000 + guardBeforePulseMs - countsAfterMs(durationRounding);
  return billedAfter(line.segments, releasedMs);
}

function plannedCall(line: Line, neededRappen: Rappen): PlannedCall | null {
  const window = releaseWindow(line.segments, neededRappen, line.trunk);
  if (!window) return null;
  const expectedSeconds = Math.max(Math.ceil(window.opensAtMs / 1_000), shortestSeconds(line));
  return { window, bringsRappen: window.pulse.billedRappen, expectedSeconds };
}

function isTooShort(window: ReleaseWindow, line: Line): boolean {
  return window.closesAtMs < shortestSeconds(line) * 1_000;
}

function shortestSeconds(line: Line): number {
  return line.codeBeforeAnswer ? 0 : SHORTEST_CALL_SECONDS;
}

/** The most that `calls` calls can read on a bill that cost `rappen` together, each rounded up to the step. */
function roundedAtMost(rappen: Rappen, calls: number, stepRappen: Rappen): Rappen {
  return Math.floor((rappen + calls * (stepRappen - 1)) / stepRappen) * stepRappen;
}
