import { expect } from "@jest/globals";
import { releaseWindow } from "../../core/quote.ts";
import { billedAfter, pulsesDue, pulsesOf } from "../../core/tariff.ts";
import { findTransaction, readJournal } from "../../db/transactions.ts";
import { eventually } from "../support/eventually.ts";
import { type Cdr, type Exchange, NUMBERS } from "../telephony/exchange.ts";
import { type CallOutcome, placeCall } from "../telephony/sip-call.ts";

/** `npm run test:faults` plays each fault in full; `npm test` plays the short form. */
export const ALL_FAULTS = process.env.FAULTS === "all";
/** Calls that go through each fault. */
export const CALLS_PER_FAULT = ALL_FAULTS ? 24 : 6;
/** The calls begin over so long, so that a fault finds each of them somewhere else. */
const BEGIN_OVER_MS = 10_000;
const CALL_TIMEOUT_MS = 260_000;
/** What the end of a call may take from the moment it is decided until BYE has left, on a busy machine. */
const BYE_LATE_MS_MAX = 750;

/** One caller with a purchase to pay: by pulses of 5 s or by the second, to the end or hanging up before it. */
interface Caller {
  readonly id: string;
  readonly number: "pulses" | "early";
  readonly hangsUp: boolean;
  readonly outcome: CallOutcome;
}

/** The callers of one fault. Two in three wait to the end, every third hangs up somewhere on the way. */
export async function callThrough(
  exchange: Exchange,
  count = CALLS_PER_FAULT,
  { keysAfterCode = "", moreRappen = 0, timeoutMs = CALL_TIMEOUT_MS } = {},
): Promise<readonly Caller[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, (BEGIN_OVER_MS * index) / count));
      const hangsUp = index % 3 === 2;
      const number = !hangsUp && index % 3 === 1 ? "early" : "pulses";
      const amountRappen = 40 + 10 * (index % 4) + moreRappen;
      const { id, code } = await exchange.openPayment(number, { amountRappen });
      const outcome = await placeCall({
        scenario: hangsUp
          ? "caller-hangs-up-half-way"
          : `caller-keys-${number === "early" ? "early" : "code-and-waits"}`,
        number: NUMBERS[number].number,
        digits: `${code}${keysAfterCode}`,
        hangUpAfterMs: 8_000 + ((index * 1_377) % 9_000),
        sipPort: exchange.sipPort,
        timeoutMs,
      });
      return { id, number, hangsUp, outcome };
    }),
  );
}

/**
 * What has to hold whatever happened: no leg is left open; each is billed, to the pulse, what the billing function says
 * of Asterisk's own record; the transaction has exactly what its legs brought, and is paid once or not at all; and
 * nobody was kept past the end of the window in which the call had to end.
 */
export async function expectBooksRight(
  exchange: Exchange,
  callers: readonly Caller[],
  allowed: { readonly withoutRecord?: boolean; readonly unpaid?: boolean } = {},
): Promise<void> {
  let bound = 0;
  for (const caller of callers) {
    const { segments } = NUMBERS[caller.number];
    const legs = await closedLegsOf(exchange, caller.id);
    const transaction = await findTransaction(exchange.db, caller.id);
    if (!transaction) throw new Error("a transaction is lost");
    bound += Math.min(1, legs.length);
    for (const leg of legs) {
      const record = await recordOf(exchange, leg.uniqueid, allowed.withoutRecord === true);
      const pulses = await bookedPulses(exchange, leg.id);
      expect(pulses.map(({ sequence }) => sequence)).toEqual(pulses.map((_, index) => index + 1));
      expect(pulses.map(({ amount }) => amount)).toEqual(
        pulsesOf(segments)
          .slice(0, pulses.length)
          .map((pulse) => pulse.amountRappen),
      );
      expect(leg.billed).toBe(pulses.reduce((sum, { amount }) => sum + amount, 0));
      if (!record) continue;
      expect([caller.id, leg.end_reason, leg.billed]).toEqual([
        caller.id,
        leg.end_reason,
        billedAfter(segments, record.talkMs),
      ]);
      expect(pulses.length).toBe(pulsesDue(segments, record.talkMs));
    }
    const billed = legs.reduce((sum, leg) => sum + leg.billed, 0);
    expect(transaction.billedRappen).toBe(billed);
    const paidEvents = (await readJournal(exchange.db, caller.id)).filter(({ event }) => event === "transaction.paid");
    expect([transaction.status, paidEvents.length]).toEqual(
      billed >= transaction.totalRappen ? ["paid", 1] : ["open", 0],
    );
    // Whoever was just keying when the server died is asked again, which no script of a caller hears.
    if (!caller.hangsUp && !allowed.unpaid && legs.length > 0) {
      expect([caller.id, transaction.status, transaction.exception]).toEqual([caller.id, "paid", "none"]);
      const window = releaseWindow(segments, transaction.totalRappen);
      if (!window) throw new Error("no window");
      expect((caller.outcome.talkSeconds ?? 0) * 1_000).toBeLessThan(window.closesAtMs + BYE_LATE_MS_MAX);
    }
  }
  expect(bound).toBeGreaterThan(callers.length / 2); // most of them were paying when it happened
}

async function closedLegsOf({ db }: Exchange, transactionId: string) {
  return eventually(async () => {
    const legs = await db
      .selectFrom("call_legs")
      .select(["id", "uniqueid", "billed", "end_reason", "ended_at", "owner"])
      .where("transaction_id", "=", transactionId)
      .orderBy("id")
      .execute();
    return legs.every((leg) => leg.ended_at !== null) && legs;
  }, 90_000);
}

async function recordOf(exchange: Exchange, uniqueid: string, mayBeMissing: boolean): Promise<Cdr | null> {
  const find = async () => (await exchange.cdrs()).find((line) => line.uniqueid === uniqueid);
  return mayBeMissing ? ((await find()) ?? null) : eventually(find);
}

function bookedPulses({ db }: Exchange, leg: number) {
  return db
    .selectFrom("pulses")
    .select(["sequence", "amount"])
    .where("call_leg_id", "=", leg)
    .orderBy("sequence")
    .execute();
}
