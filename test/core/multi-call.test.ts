import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { MULTICALL_MAX, planCall, quote, releaseWindow } from "../../core/quote.ts";
import { billedAfter, CALL_SECONDS_MAX, type Segment } from "../../core/tariff.ts";
import type { Terms, Transaction } from "../../core/transaction.ts";
import { applyPulses, endCall, requote, startCall } from "../../core/transitions.ts";
import { countsAfterMs, TRUNK_BILLING, type TrunkBilling } from "../../core/trunk.ts";
import { anyTariff, anyTrunk } from "./any-tariff.ts";
import { transactionWith } from "./any-transaction.ts";

const THREE_FRANCS: readonly Segment[] = [{ kind: "fixed", priceRappen: 300 }];
const CAPPED: readonly Segment[] = [
  { kind: "time", rappenPerMinute: 120, incrementSeconds: 5 },
  { kind: "cap", callRappen: 500 },
];
const HOURLY: readonly Segment[] = [{ kind: "time", rappenPerMinute: 120, incrementSeconds: 5 }];

/** The tariff, the amount → how many calls, the total, what the bill may read, the seconds of the first call and of all. */
test.each([
  // 3.00 a call: 9.00 = 3 × 3.00, each call lasts the shortest 6 s.
  [
    "three flat calls",
    THREE_FRANCS,
    900,
    { calls: 3, totalRappen: 900, billedAtMostRappen: 900, expectedSeconds: 6, waitSeconds: 18 },
  ],
  // 9.01 needs a fourth one, which brings 3.00 as well: 12.00 in all, 2.99 too much.
  ["a rappen more", THREE_FRANCS, 901, { calls: 4, totalRappen: 1_200, overshootRappen: 299, expectedSeconds: 6 }],
  // Capped at 5.00: 50 pulses of 10 rappen, the 50th falls at 49 · 5 = 245 s, released from 245.6 s on.
  [
    "two capped calls and a rest",
    CAPPED,
    1_200,
    { calls: 3, totalRappen: 1_200, pulses: 50 + 50 + 20, expectedSeconds: 246, waitSeconds: 246 + 246 + 96 },
  ],
  // An hour brings 720 pulses of 10 rappen, the last at 3,595 s; the rest of 12.80 takes 128: the last at 635 s.
  [
    "an hour and a rest",
    HOURLY,
    8_480,
    { calls: 2, totalRappen: 8_480, pulses: 720 + 128, expectedSeconds: 3_596, waitSeconds: 3_596 + 636 },
  ],
  // A rest of 10 rappen would be over before the code is keyed: the first call leaves 20, what 6 s cost.
  [
    "a rest that is no call",
    CAPPED,
    510,
    { calls: 2, totalRappen: 510, pulses: 49 + 2, expectedSeconds: 241, waitSeconds: 241 + 6 },
  ],
] as const)("%s", (_name, segments, amountRappen, expected) => {
  expect(quote({ segments, amountRappen, codeBeforeAnswer: false })).toMatchObject(expected);
});

test(`an amount that needs more than ${MULTICALL_MAX} calls is refused, and ${MULTICALL_MAX} calls are not`, () => {
  const ask = (amountRappen: number) => quote({ segments: THREE_FRANCS, amountRappen, codeBeforeAnswer: false });
  expect(ask(2_700)).toMatchObject({ calls: 9, totalRappen: 2_700 });
  expect(ask(2_701)).toEqual({ refusal: "amount_unreachable" });
});

test("who has paid a part already is not refused for the calls that are still needed", () => {
  const onTheWay = {
    segments: THREE_FRANCS,
    amountRappen: 3_300,
    creditRappen: 300,
    callsBefore: 1,
    codeBeforeAnswer: false,
  };
  expect(quote(onTheWay)).toMatchObject({ calls: 11, totalRappen: 3_300 });
});

test("the plan of a call says which one it is, and whether it is the last", () => {
  const plan = (neededRappen: number, callsBefore: number) =>
    planCall({ segments: THREE_FRANCS, neededRappen, callsBefore, codeBeforeAnswer: false });
  expect(plan(900, 0)).toMatchObject({ callNumber: 1, calls: 3, final: false, bringsRappen: 300 });
  expect(plan(600, 1)).toMatchObject({ callNumber: 2, calls: 3, final: false });
  expect(plan(300, 2)).toMatchObject({ callNumber: 3, calls: 3, final: true });
  expect(planCall({ segments: [{ kind: "free", seconds: 60 }], neededRappen: 1, codeBeforeAnswer: false })).toBeNull();
});

test("a call that can't finish is released after the last pulse that it can bring", () => {
  expect(releaseWindow(CAPPED, 9_999)).toMatchObject({
    pulse: { sequence: 50, billedRappen: 500 },
    opensAtMs: 245_600,
  });
  expect(releaseWindow(HOURLY, 9_999)).toMatchObject({
    pulse: { sequence: 720 },
    opensAtMs: 3_595_600,
    closesAtMs: 3_599_750,
  });
});

test("a carrier that counts late brings less in its last second: no call is kept beyond the hour for it", () => {
  const bySecond: readonly Segment[] = [{ kind: "time", rappenPerMinute: 60, incrementSeconds: 1 }];
  const lastPulse = (durationRounding: TrunkBilling["durationRounding"]) =>
    releaseWindow(bySecond, 9_999, { ...TRUNK_BILLING, durationRounding });
  expect(lastPulse("up")).toMatchObject({ pulse: { sequence: 3_600 }, opensAtMs: 3_599_600, closesAtMs: 3_599_750 });
  expect(lastPulse("half_up")).toMatchObject({ pulse: { sequence: 3_599 }, opensAtMs: 3_599_100 });
  expect(lastPulse("down")).toMatchObject({ pulse: { sequence: 3_599 }, opensAtMs: 3_599_600 });
});

test("each call may be rounded up by the caller's operator, and the quote says what the bill then reads", () => {
  const segments: readonly Segment[] = [{ kind: "time", rappenPerMinute: 423, incrementSeconds: 1 }];
  const ask = (totalRoundingRappen: number) =>
    quote({ segments, amountRappen: 500, codeBeforeAnswer: false, trunk: { ...TRUNK_BILLING, totalRoundingRappen } });
  // 71 s are 500.55 rappen, so 501; up to the next 10 rappen that is 5.10 (facts: «may read 5.10»).
  expect(ask(10)).toMatchObject({ totalRappen: 501, billedAtMostRappen: 510 });
  expect(ask(5)).toMatchObject({ billedAtMostRappen: 505 });
  expect(ask(1)).toMatchObject({ billedAtMostRappen: 501 });
  const cents: readonly Segment[] = [{ kind: "fixed", priceRappen: 299 }];
  // Three calls of 2.99 read 3 × 3.00.
  expect(quote({ segments: cents, amountRappen: 897, codeBeforeAnswer: false })).toMatchObject({
    billedAtMostRappen: 900,
  });
  // Two earlier calls that cost 12 together may have cost 1 and 11: then they read 10 and 20.
  const credit = { segments: cents, amountRappen: 311, creditRappen: 12, callsBefore: 2, codeBeforeAnswer: false };
  expect(quote(credit)).toMatchObject({ totalRappen: 311, billedAtMostRappen: 30 + 300 });
});

/** The second opinion: what one call brings at most, and how often it is needed, without planning anything. */
test("no plan takes more calls than the amount divided by what an hour brings, and each brings its share", () => {
  fc.assert(
    fc.property(
      anyTariff,
      fc.integer({ min: 1, max: 40_000 }),
      fc.boolean(),
      anyTrunk,
      (segments, amountRappen, codeBeforeAnswer, trunk) => {
        const quoted = quote({ segments, amountRappen, codeBeforeAnswer, trunk });
        if ("refusal" in quoted) return;
        const cutMs =
          CALL_SECONDS_MAX * 1_000 -
          countsAfterMs(trunk.durationRounding) -
          trunk.guardAfterPulseMs -
          trunk.guardBeforePulseMs;
        const mostRappen = billedAfter(segments, cutMs + 1);
        expect(quoted.calls).toBe(Math.ceil(amountRappen / mostRappen));
        expect(quoted.totalRappen).toBeGreaterThanOrEqual(amountRappen);
        expect(quoted.totalRappen).toBeLessThanOrEqual(quoted.calls * mostRappen);
        expect(quoted.billedAtMostRappen).toBeGreaterThanOrEqual(quoted.totalRappen);
        expect(quoted.billedAtMostRappen).toBeLessThanOrEqual(
          quoted.totalRappen + quoted.calls * (trunk.totalRoundingRappen - 1),
        );
      },
    ),
    { numRuns: 1_000 },
  );
});

const NOW = new Date("2026-11-02T12:00:00Z");

function opened(
  amountRappen: number,
  plan: { readonly totalRappen: number; readonly expectedSeconds: number },
): Transaction {
  return transactionWith({
    amountRappen,
    totalRappen: plan.totalRappen,
    expectedSeconds: plan.expectedSeconds,
    createdAt: NOW,
    expiresAt: new Date(NOW.getTime() + 60_000),
    resumableUntil: new Date(NOW.getTime() + 120_000),
  });
}

function step(transaction: Transaction, transition: typeof applyPulses): Transaction {
  const change = transition(transaction, NOW);
  if (change && "refusal" in change) throw new Error(change.refusal);
  return change?.next ?? transaction;
}

/** One call as the voice server makes it: claimed, metered up to its release (or to where it is cut), ended. */
function call(transaction: Transaction, terms: Required<Terms>, cutMs: number | null): Transaction {
  const needed = { ...terms, neededRappen: transaction.amountRappen - transaction.billedRappen };
  const calling = step(transaction, startCall({ ...terms, leg: 1, billedRappen: 0 }));
  const releasedMs = planCall(needed)?.window.opensAtMs ?? 0;
  // A carrier that counts late owes a pulse so much later.
  const countedMs = Math.min(releasedMs, cutMs ?? releasedMs) - countsAfterMs(terms.trunk.durationRounding);
  const billed = { ...calling, billedRappen: calling.billedRappen + billedAfter(terms.segments, countedMs) };
  return step(step(billed, applyPulses), endCall({ ...terms, leg: 1, reason: "test" }));
}

test("calls made one after the other bill the total that was quoted first, and no rappen more", () => {
  fc.assert(
    fc.property(
      anyTariff,
      fc.integer({ min: 1, max: 40_000 }),
      fc.boolean(),
      anyTrunk,
      (segments, amountRappen, codeBeforeAnswer, trunk) => {
        const terms = { segments, codeBeforeAnswer, trunk };
        const quoted = quote({ ...terms, amountRappen });
        if ("refusal" in quoted) return;
        let transaction = opened(amountRappen, quoted);
        for (let calls = 1; calls <= quoted.calls; calls++) {
          transaction = call(transaction, terms, null);
          expect(transaction.totalRappen).toBe(quoted.totalRappen);
          expect(transaction.exception).toBe(calls < quoted.calls ? "underpaid" : "none");
          expect(transaction.status).toBe(calls < quoted.calls ? "open" : "paid");
        }
        expect(transaction.billedRappen).toBe(quoted.totalRappen);
      },
    ),
    { numRuns: 1_000 },
  );
});

test("however often callers hang up early, what is billed in the end is the total of the last quote, less than a step above the amount", () => {
  fc.assert(
    fc.property(
      anyTariff,
      fc.integer({ min: 1, max: 5_000 }),
      anyTrunk,
      fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 8 }),
      (segments, amountRappen, trunk, cuts) => {
        const terms = { segments, codeBeforeAnswer: false, trunk };
        const quoted = quote({ ...terms, amountRappen });
        if ("refusal" in quoted) return;
        let transaction = opened(amountRappen, quoted);
        const first = quoted.window.pulse;
        const largestStep = Math.max(first.amountRappen, 2_000 + 1_000 + 500 + 50);
        for (const cutMs of [...cuts, ...Array.from({ length: MULTICALL_MAX }, () => null)]) {
          if (transaction.status === "paid") break;
          const before = transaction;
          transaction = call(transaction, terms, cutMs);
          if (transaction.status === "paid") expect(transaction.billedRappen).toBe(before.totalRappen);
          else expect(transaction.exception).toBe(transaction.billedRappen > 0 ? "underpaid" : "none");
          expect(transaction.totalRappen).toBeGreaterThanOrEqual(amountRappen);
          expect(transaction.totalRappen).toBeLessThan(amountRappen + largestStep);
        }
        expect(transaction.status).toBe("paid");
      },
    ),
    { numRuns: 1_000 },
  );
});

test("a transaction is quoted anew for another tariff, keeps what was billed, and never in mid-call", () => {
  const transaction: Transaction = {
    ...opened(1_000, { totalRappen: 1_000, expectedSeconds: 496 }),
    billedRappen: 100,
    exception: "underpaid",
  };
  const terms = { tariffId: 2, segments: THREE_FRANCS, codeBeforeAnswer: false };
  expect(requote(terms)(transaction, NOW)).toMatchObject({
    next: { tariffId: 2, billedRappen: 100, totalRappen: 1_000, expectedSeconds: 6 },
    event: "transaction.requoted",
  });
  expect(requote({ ...terms, tariffId: 1 })(transaction, NOW)).toBeNull();
  expect(requote(terms)({ ...transaction, status: "calling" }, NOW)).toEqual({ refusal: "call_in_progress" });
  expect(requote(terms)({ ...transaction, billedRappen: 0, amountRappen: 3_000 }, NOW)).toEqual({
    refusal: "amount_unreachable",
  });
});
