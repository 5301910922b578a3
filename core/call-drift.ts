import type { Rappen } from "./money.ts";
import { billedAfter, type Segment } from "./tariff.ts";

/** A call by our books. Moments are ms since 1970, by the database's clock. */
export interface LegOfCall {
  readonly answeredAtMs: number | null;
  /** When the books were closed: later than the call ended, when no server was there to be told. */
  readonly endedAtMs: number;
  /** From answer to end; null when the call was never answered, or its length wasn't known. */
  readonly talkMs: number | null;
  readonly billedRappen: Rappen;
  /** How long after it has fallen a pulse of this call counts, by its trunk's way of rounding. */
  readonly countsAfterMs: number;
}

/** The same call by Asterisk's record, by Asterisk's clock. */
export interface RecordOfCall {
  readonly answeredAtMs: number | null;
  readonly endedAtMs: number;
  readonly talkMs: number;
}

export type DriftKind =
  /** Within every tolerance. */
  | "match"
  | "drift"
  /** We have a call that Asterisk doesn't know: it can't be proved to the carrier. */
  | "record_missing"
  /** Asterisk had a call that we don't know: the carrier bills somebody for it, and nobody was credited. */
  | "leg_missing";

export type DriftOf = "answer" | "end" | "talk" | "money";

/** Ours less Asterisk's, each null where one of both has nothing to compare. */
export interface Comparison {
  readonly kind: DriftKind;
  readonly answerMs: number | null;
  readonly endMs: number | null;
  readonly talkMs: number | null;
  readonly billedRappen: Rappen;
  /** What the one billing function makes of the length in the record; null without a record, or without a tariff. */
  readonly owedRappen: Rappen | null;
  readonly beyond: readonly DriftOf[];
}

/** Two machines' clocks, kept by NTP, and the way from one to the other. */
export const ANSWER_TOLERANCE_MS = 2_000;
/** Books closed before the call ended: the last pulses may be missing. */
export const END_EARLY_TOLERANCE_MS = 2_000;
/** Books closed after it: the upkeep waits that long for whoever may know the exact times (db/upkeep.ts), and a round. */
export const END_LATE_TOLERANCE_MS = 120_000;
/** We close the books, then BYE leaves: a busy Asterisk takes a moment for it (agi/hang-up.ts). */
export const TALK_TOLERANCE_MS = 1_000;
/** None: a rappen that the record doesn't owe is a rappen of somebody's. */
export const MONEY_TOLERANCE_RAPPEN: Rappen = 0;

/** Compares a call of which we have the leg, Asterisk's record, or both; `segments` is the leg's tariff, null when unknown. */
export function compareCall(call: {
  readonly leg: LegOfCall | null;
  readonly record: RecordOfCall | null;
  readonly segments: readonly Segment[] | null;
}): Comparison {
  const { leg, record, segments } = call;
  const owedRappen = record && segments ? billedAfter(segments, record.talkMs - (leg?.countsAfterMs ?? 0)) : null;
  const billedRappen = leg?.billedRappen ?? 0;
  const alone = { answerMs: null, endMs: null, talkMs: null, billedRappen, owedRappen, beyond: [] } as const;
  if (!leg) return { kind: "leg_missing", ...alone };
  if (!record) return { kind: "record_missing", ...alone };
  const answerMs = difference(leg.answeredAtMs, record.answeredAtMs);
  const endMs = leg.endedAtMs - record.endedAtMs;
  const talkMs = leg.answeredAtMs === null ? null : difference(leg.talkMs, record.talkMs);
  const beyond: DriftOf[] = [];
  const onlyOneAnswered = (leg.answeredAtMs === null) !== (record.answeredAtMs === null);
  if (onlyOneAnswered || Math.abs(answerMs ?? 0) > ANSWER_TOLERANCE_MS) beyond.push("answer");
  if (endMs < -END_EARLY_TOLERANCE_MS || endMs > END_LATE_TOLERANCE_MS) beyond.push("end");
  if (Math.abs(talkMs ?? 0) > TALK_TOLERANCE_MS) beyond.push("talk");
  if (Math.abs(billedRappen - (owedRappen ?? billedRappen)) > MONEY_TOLERANCE_RAPPEN) beyond.push("money");
  return { kind: beyond.length === 0 ? "match" : "drift", answerMs, endMs, talkMs, billedRappen, owedRappen, beyond };
}

function difference(ours: number | null, theirs: number | null): number | null {
  return ours === null || theirs === null ? null : ours - theirs;
}
