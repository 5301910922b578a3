import { billedAfter, nextPulseAtMs, pulsesDue, pulsesOf, type Segment } from "../../core/tariff.ts";
import { isPaid } from "../../core/transaction.ts";
import { NUMBERS } from "../telephony/exchange.ts";
import type { BookedCall, BookedLeg } from "./books.ts";
import { windowOf } from "./crowd.ts";

/** Asterisk tells us when it answered, and the news takes so long at most: our window opens that much earlier or later. */
const ANSWER_NEWS_MS = 50;

/** Asterisk let the caller go, because we were late: nothing is lost, but a server that has time doesn't need it. */
export const BACKSTOP = "backstop";
/** Of all calls, in parts of a hundred: more, and the machine is too small for them, or busy with something else. */
export const BACKSTOPS_PERCENT_MAX = 0.5;

/** What must hold of every call, whatever the load; in the order of a report. */
export const RULES = [
  "paid once and in full, or underpaid by who hung up",
  "billed what Asterisk's record owes",
  "pulses from 1 on, without gap or double",
  "books closed for the right reason",
  "let go before the next pulse",
  "let go inside the safe window",
] as const;
export type Rule = (typeof RULES)[number];

export interface Fault {
  readonly rule: Rule;
  readonly what: string;
}

/** Everything that is wrong with a call; nothing of one that is right. */
export function faultsOf(call: BookedCall): readonly Fault[] {
  const { caller, legs } = call;
  const [leg] = legs;
  const segments: readonly Segment[] = NUMBERS[caller.name].segments;
  const fault = (rule: Rule, what: string): Fault => ({ rule, what: `${caller.name}, ${caller.behaviour}: ${what}` });
  if (!leg) return [fault("paid once and in full, or underpaid by who hung up", "the call never reached us")];
  // What a caller keyed wrong, or a telephone didn't send, has no window: its money is right all the same.
  if (leg.transactionId !== caller.transactionId) {
    const told = `the code never reached us: ${leg.endReason}, ${leg.wrongCodes} wrong codes`;
    const unbilled = billingFault(leg, segments);
    return [
      fault("paid once and in full, or underpaid by who hung up", told),
      ...(unbilled === null ? [] : [fault("billed what Asterisk's record owes", unbilled)]),
    ];
  }

  const checks: readonly (readonly [Rule, string | null])[] = [
    ["paid once and in full, or underpaid by who hung up", paymentFault(call)],
    ["billed what Asterisk's record owes", billingFault(leg, segments)],
    ["pulses from 1 on, without gap or double", pulsesFault(leg, segments)],
    ["books closed for the right reason", closingFault(call, leg)],
    ...(caller.behaviour === "hangs up half-way" ? [] : windowFaults(call, leg, segments)),
  ];
  return checks.flatMap(([rule, what]) => (what === null ? [] : [fault(rule, what)]));
}

function paymentFault({ caller, transaction, legs }: BookedCall): string | null {
  if (!transaction) return "the transaction is lost";
  const { status, exception, totalRappen, billedRappen, timesPaid } = transaction;
  const told = `${status}, ${exception}, ${billedRappen} of ${totalRappen} rappen, paid ${timesPaid} times`;
  const right =
    caller.behaviour === "hangs up half-way"
      ? !isPaid(status) && exception === "underpaid" && billedRappen < totalRappen && timesPaid === 0
      : isPaid(status) && exception === "none" && billedRappen === totalRappen && timesPaid === 1;
  if (!right) return told;
  return legs.length === 1 && legs[0]?.billedRappen === billedRappen ? null : `${told}, by ${legs.length} calls`;
}

function billingFault({ billedRappen, countsAfterMs, record }: BookedLeg, segments: readonly Segment[]): string | null {
  if (!record) return "Asterisk has no record of it";
  const owedRappen = billedAfter(segments, record.talkMs - countsAfterMs);
  if (billedRappen === owedRappen) return null;
  return `billed ${billedRappen} rappen, owed ${owedRappen} after ${record.talkMs.toFixed(0)} ms`;
}

function pulsesFault({ pulses, billedRappen, countsAfterMs, record }: BookedLeg, segments: readonly Segment[]) {
  const due = record ? pulsesDue(segments, record.talkMs - countsAfterMs) : pulses.length;
  const wanted = pulsesOf(segments).slice(0, due);
  const same = wanted.every(
    ({ sequence, amountRappen }, index) =>
      pulses[index]?.sequence === sequence && pulses[index]?.amountRappen === amountRappen,
  );
  const sum = pulses.reduce((total, { amountRappen }) => total + amountRappen, 0);
  if (same && pulses.length === due && sum === billedRappen) return null;
  return `${pulses.length} pulses of ${due}, ${sum} rappen of ${billedRappen}`;
}

function closingFault({ caller }: BookedCall, { ended, endReason, wrongCodes }: BookedLeg): string | null {
  const reasons = caller.behaviour === "hangs up half-way" ? ["caller_hung_up"] : ["paid", BACKSTOP];
  const errs = caller.behaviour === "keys a wrong code first" ? 1 : 0;
  if (ended && endReason !== null && reasons.includes(endReason) && wrongCodes === errs) return null;
  return `${ended ? "closed" : "open"}, ${endReason ?? "no reason"}, ${wrongCodes} wrong codes`;
}

function windowFaults({ caller }: BookedCall, { record }: BookedLeg, segments: readonly Segment[]) {
  if (!record) return [];
  const { pulse, opensAtMs, closesAtMs } = windowOf(caller);
  const { talkMs } = record;
  const told = `after ${talkMs.toFixed(0)} ms, window ${opensAtMs} to ${closesAtMs} ms`;
  const inside = talkMs >= opensAtMs - ANSWER_NEWS_MS && talkMs <= closesAtMs + ANSWER_NEWS_MS;
  return [
    ["let go before the next pulse", talkMs < nextPulseAtMs(segments, pulse) ? null : told],
    ["let go inside the safe window", inside ? null : told],
  ] as const;
}
