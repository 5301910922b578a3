import { formatDuration } from "../core/durations.ts";
import { type Language, message } from "../core/messages.ts";
import { formatMoney, type Rappen } from "../core/money.ts";
import { type CallPlan, planCall } from "../core/quote.ts";
import { isPaid, type Terms, type Transaction } from "../core/transaction.ts";
import type { CallOfTransaction } from "../db/call-legs.ts";
import { callMs } from "./call-duration.ts";

/** What has to be known to say which calls a payment takes. */
export interface CallFacts {
  readonly transaction: Transaction;
  readonly terms: Terms;
  readonly calls: readonly CallOfTransaction[];
}

/** What the call under way does for the payment, or else the next one; null where no call can bring anything. */
export function currentCall(facts: CallFacts): CallPlan | null {
  return planAfter(facts, callsMade(facts));
}

/** What the calls that are over have brought together. */
export function creditRappen(facts: Pick<CallFacts, "calls">): Rappen {
  return billedBy(callsMade(facts));
}

/** Whether the last call brought all that one call can bring, and not enough: nothing was cut short, the next one is due. */
export function isNextCallDue(facts: CallFacts): boolean {
  const made = callsMade(facts);
  return made.length > 0 && wentAsPlanned(facts, made, made.length - 1);
}

/**
 * The calls of a payment that one call can't bring, made and to be made, as the page lists them; null where one call is
 * enough, or where one more takes up a call that was cut.
 */
export function callPlanView(facts: CallFacts, language: Language) {
  if (isPaid(facts.transaction.status)) return null;
  const made = callsMade(facts);
  const ahead = callsAhead(facts, made);
  if (ahead.length < 2 && !made.some((_, index) => wentAsPlanned(facts, made, index))) return null;
  const m = made.length + ahead.length;
  const n = made.length + 1;
  return {
    explain: message(language, "pay.multicall.explain", { m }),
    needed: message(language, n === 2 ? "pay.multicall.neededSecond" : "pay.multicall.needed", { n, m }),
    lines: [
      ...made.map((call, index) => ({ mark: "done", isCurrent: false, text: madeLine(call, index + 1, language) })),
      ...ahead.map((call, index) => ({
        mark: index > 0 ? "later" : facts.transaction.status === "calling" ? "now" : "next",
        isCurrent: index === 0,
        text: plannedLine(call, language),
      })),
    ],
    hasNext: ahead.length > 1,
    terms: `${message(language, "pay.multicall.credit")} ${message(language, "pay.multicall.onBill")}`,
  };
}

/** Those that are over and brought something. */
export function callsMade({ calls }: Pick<CallFacts, "calls">): readonly CallOfTransaction[] {
  return calls.filter((call) => call.endedAt !== null && call.billedRappen > 0);
}

/** All that are still to be made, the one under way first: each is planned from what those before it leave. */
function callsAhead(facts: CallFacts, made: readonly CallOfTransaction[]): readonly CallPlan[] {
  const ahead: CallPlan[] = [];
  for (let next = planAfter(facts, made); next; ) {
    ahead.push(next);
    const asPlanned = ahead.map((call) => ({ billedRappen: call.bringsRappen }));
    next = next.final ? null : planAfter(facts, [...made, ...asPlanned]);
  }
  return ahead;
}

/** The plan of the call that comes after `before`. */
function planAfter(
  { transaction, terms }: Pick<CallFacts, "transaction" | "terms">,
  before: readonly Billed[],
): CallPlan | null {
  const neededRappen = transaction.amountRappen - billedBy(before);
  return planCall({ ...terms, neededRappen, callsBefore: before.length });
}

interface Billed {
  readonly billedRappen: Rappen;
}

function billedBy(calls: readonly Billed[]): Rappen {
  return calls.reduce((sum, call) => sum + call.billedRappen, 0);
}

function wentAsPlanned(facts: CallFacts, made: readonly CallOfTransaction[], index: number): boolean {
  const plan = planAfter(facts, made.slice(0, index));
  const brought = made[index]?.billedRappen ?? 0;
  return plan !== null && !plan.final && brought >= plan.bringsRappen;
}

function madeLine(call: CallOfTransaction, n: number, language: Language): string {
  const duration = formatDuration(callMs(call, call.startedAt) / 1_000);
  return message(language, "pay.receipt.call", { n, duration, amount: formatMoney(call.billedRappen) });
}

function plannedLine({ callNumber, calls, bringsRappen, expectedSeconds }: CallPlan, language: Language): string {
  return message(language, "pay.multicall.line", {
    n: callNumber,
    m: calls,
    amount: formatMoney(bringsRappen),
    duration: formatDuration(expectedSeconds),
  });
}
