import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  halfWayOf,
  isPlayedCall,
  PLAYS,
  type PlayFacts,
  playedUniqueid,
  whyNotPlayable,
} from "../../core/played-call.ts";
import { planCall } from "../../core/quote.ts";
import { billedAfter, type Segment } from "../../core/tariff.ts";
import type { Transaction } from "../../core/transaction.ts";
import { anyTariff } from "./any-tariff.ts";
import { transactionWith } from "./any-transaction.ts";

const NOW = new Date("2026-03-02T10:00:00Z");
const inMinutes = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);
const BY_PULSE: readonly Segment[] = [{ kind: "time", rappenPerMinute: 120, incrementSeconds: 5 }];

function factsOf(changes: Partial<Transaction> = {}, segments = BY_PULSE): PlayFacts {
  const transaction = transactionWith({
    test: true,
    amountRappen: 100,
    totalRappen: 100,
    expectedSeconds: 46,
    createdAt: NOW,
    expiresAt: inMinutes(30),
    resumableUntil: inMinutes(10_000),
    ...changes,
  });
  return { transaction, terms: { segments, codeBeforeAnswer: false }, billedBefore: [], isPlaying: false, now: NOW };
}

test("nothing of a live transaction can be played, whatever state it is in", () => {
  for (const status of ["open", "calling", "paid", "expired", "cancelled"] as const)
    for (const play of PLAYS) expect(whyNotPlayable(play, factsOf({ test: false, status }))).toBe("test_only");
});

test.each([
  ["open", {}, { "call-again": "play_impossible" }],
  ["cut off", { billedRappen: 40, exception: "underpaid" }, {}],
  ["expired", { expiresAt: inMinutes(-1) }, { rest: "transaction_expired", "pay-late": null }],
  ["over", { status: "expired", expiresAt: NOW, resumableUntil: NOW }, { rest: "transaction_over" }],
  ["calling", { status: "calling" }, { rest: "call_in_progress" }],
  ["paid", { status: "paid" }, { rest: "transaction_already_paid" }],
  ["cancelled", { status: "cancelled" }, { rest: "transaction_cancelled" }],
] as const)(
  "what can be played while a payment is %s",
  (_state, changes, answers: Readonly<Record<string, string | null>>) => {
    for (const play of PLAYS) {
      const expected = play in answers ? answers[play] : (answers.rest ?? null);
      expect([play, whyNotPlayable(play, factsOf(changes))]).toEqual([play, expected]);
    }
    expect(whyNotPlayable("pay", { ...factsOf(changes), isPlaying: true })).toBe("call_in_progress");
  },
);

test("half-way something is billed and something is left; where the first pulse brings all there is no half", () => {
  fc.assert(
    fc.property(anyTariff, fc.integer({ min: 1, max: 20_000 }), (segments, amountRappen) => {
      const plan = planCall({ segments, codeBeforeAnswer: false, neededRappen: amountRappen });
      const halfMs = halfWayOf(factsOf({ amountRappen }, segments));
      if (!plan || plan.window.pulse.sequence === 1) return expect(halfMs).toBeNull();
      const billed = billedAfter(segments, halfMs ?? 0);
      expect(billed).toBeGreaterThan(0);
      expect(billed).toBeLessThan(plan.bringsRappen);
    }),
  );
  expect(halfWayOf(factsOf())).toBe(21_500); // the fifth of ten pulses falls at 20 s
  expect(halfWayOf({ ...factsOf(), billedBefore: [40] })).toBe(11_500);
});

test("no uniqueid of an Asterisk looks like a played call's", () => {
  expect(isPlayedCall(playedUniqueid({ play: 12, call: 3 }))).toBe(true);
  for (const uniqueid of ["1764000000.12", "played-1764000000.12", "line-1764000000.7", "", "played-1-2\n"])
    expect(isPlayedCall(uniqueid)).toBe(false);
});
