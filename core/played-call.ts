import type { ErrorCode } from "./errors.ts";
import { type PlannedCall, planCall } from "./quote.ts";
import { nextPulseAtMs, pulsesOf, type Segment } from "./tariff.ts";
import { statusAt, type Terms, type Transaction } from "./transaction.ts";
import { expire, type Transition, whyNotPayable } from "./transitions.ts";

/** The trunk of calls that this system plays itself, in test mode. It has no carrier, no Asterisk, and no caller. */
export const TEST_TRUNK = "test";

/** What can be played on the page of a test transaction. */
export const PLAYS = ["pay", "hang-up-half", "wrong-code", "no-code", "expire", "pay-late", "call-again"] as const;
export type Play = (typeof PLAYS)[number];

export function isPlay(value: unknown): value is Play {
  return PLAYS.includes(value as Play);
}

/** The uniqueid of a played call: the `call`th of one play. Asterisk makes none like it, whatever its `systemname` is. */
export function playedUniqueid({ play, call }: { readonly play: number; readonly call: number }): string {
  return `played-${play}-${call}`;
}

export function isPlayedCall(uniqueid: string): boolean {
  return /^played-[0-9]+-[0-9]+$/.test(uniqueid);
}

/** What decides on a play, read at one moment. */
export interface PlayFacts {
  readonly transaction: Transaction;
  readonly terms: Terms;
  /** What calls that are over have brought, each on its own. */
  readonly billedBefore: readonly number[];
  readonly isPlaying: boolean;
  readonly now: Date;
}

/** Why this can't be played now; null when it can. Of a live transaction nothing can ever be played. */
export function whyNotPlayable(play: Play, facts: PlayFacts): ErrorCode | null {
  const { transaction, now } = facts;
  if (!transaction.test) return "test_only";
  if (facts.isPlaying) return "call_in_progress";
  const blocked = whyNotPayable(transaction, now);
  if (play === "pay-late" && blocked === "transaction_expired") return null; // it has been taken care of already
  if (blocked) return blocked;
  if (play === "call-again" && transaction.billedRappen === 0) return "play_impossible";
  return play === "hang-up-half" && halfWayOf(facts) === null ? "play_impossible" : null;
}

/** When the next call is half-way, in ms since its answer; null where its first pulse brings all, or nothing can be brought. */
export function halfWayOf({ transaction, terms, billedBefore }: PlayFacts): number | null {
  const neededRappen = transaction.amountRappen - billedBefore.reduce((sum, rappen) => sum + rappen, 0);
  const plan = planCall({ ...terms, neededRappen, callsBefore: billedBefore.length });
  return plan && halfWayMs(terms.segments, plan);
}

/** Long enough after a pulse that it counts, however the trunk rounds. */
const AFTER_PULSE_MS = 1_500;

/** The last pulse that leaves something to pay and brings no more than half, or else the first; then a moment. */
function halfWayMs(segments: readonly Segment[], { bringsRappen }: PlannedCall): number | null {
  const pulses = pulsesOf(segments);
  const half = pulses.findLast((pulse) => 2 * pulse.billedRappen <= bringsRappen) ?? pulses[0];
  if (!half || half.billedRappen >= bringsRappen) return null;
  return half.startsAtMs + Math.min(AFTER_PULSE_MS, (nextPulseAtMs(segments, half) - half.startsAtMs) / 2);
}

/** The time to pay is over at once. It is taken from test transactions only: a live one's belongs to its shopper. */
export const expireNow: Transition = (transaction, now) => {
  if (!transaction.test) return { refusal: "test_only" };
  const blocked = whyNotPayable(transaction, now);
  if (statusAt(transaction, now) === "expired") return expire(transaction, now);
  return blocked ? { refusal: blocked } : expire({ ...transaction, expiresAt: now }, now);
};
