import { expect, test } from "@jest/globals";
import { pulsesOf } from "../../core/tariff.ts";
import { NUMBERS } from "../telephony/exchange.ts";
import type { BookedCall, BookedLeg } from "./books.ts";
import type { Behaviour } from "./crowd.ts";
import { mostAtOnce, percentile } from "./figures.ts";
import { flatness } from "./flatness.ts";
import { faultsOf, type Rule } from "./verdict.ts";

const ANSWERED_AT_MS = 1_800_000_000_000;

/** A purchase of 40 rappen by pulses of 5 s: the fourth falls at 15 s, and the next one at 20 s. */
function booked(behaviour: Behaviour, talkMs: number, pulses: number): BookedCall {
  const billedRappen = 10 * pulses;
  const paid = billedRappen >= 40;
  return {
    caller: {
      behaviour,
      name: "pulses",
      amountRappen: 40,
      transactionId: "T",
      code: "1234",
      callerId: "0791234567",
    },
    transaction: {
      status: paid ? "paid" : "open",
      exception: paid ? "none" : "underpaid",
      totalRappen: 40,
      billedRappen,
      timesPaid: paid ? 1 : 0,
    },
    legs: [
      {
        uniqueid: "1.1",
        transactionId: "T",
        billedRappen,
        ended: true,
        endReason: behaviour === "hangs up half-way" ? "caller_hung_up" : "paid",
        wrongCodes: behaviour === "keys a wrong code first" ? 1 : 0,
        countsAfterMs: 0,
        pulses: pulsesOf(NUMBERS.pulses.segments)
          .slice(0, pulses)
          .map(({ sequence, amountRappen, startsAtMs }) => ({
            sequence,
            amountRappen,
            bookedAtMs: ANSWERED_AT_MS + startsAtMs + 300,
          })),
        record: { uniqueid: "1.1", answeredAtMs: ANSWERED_AT_MS, endedAtMs: ANSWERED_AT_MS + talkMs, talkMs },
      },
    ],
  };
}

const right = booked("keys the code", 15_700, 4);
const leg = right.legs[0]!;
const withLeg = (changes: Partial<BookedLeg>): BookedCall => ({ ...right, legs: [{ ...leg, ...changes }] });
const withTransaction = (changes: Partial<BookedCall["transaction"] & object>): BookedCall => ({
  ...right,
  transaction: { ...right.transaction!, ...changes },
});

test.each<Behaviour>(["keys the code", "keys a wrong code first"])(
  "a caller who %s and is billed right breaks no rule",
  (behaviour) => {
    expect(faultsOf(booked(behaviour, 15_700, 4))).toEqual([]);
  },
);

test("who hangs up half-way owes what fell until then, and breaks no rule", () => {
  expect(faultsOf(booked("hangs up half-way", 9_900, 2))).toEqual([]);
  expect(faultsOf(booked("hangs up half-way", 10_100, 2)).length).toBeGreaterThan(0);
});

test.each<readonly [string, BookedCall, Rule]>([
  [
    "a purchase that was not paid",
    withTransaction({ status: "calling" }),
    "paid once and in full, or underpaid by who hung up",
  ],
  ["one that was paid twice", withTransaction({ timesPaid: 2 }), "paid once and in full, or underpaid by who hung up"],
  [
    "one with an exception",
    withTransaction({ exception: "overpaid" }),
    "paid once and in full, or underpaid by who hung up",
  ],
  ["one that never reached us", { ...right, legs: [] }, "paid once and in full, or underpaid by who hung up"],
  [
    "one whose code never reached us",
    withLeg({ transactionId: null }),
    "paid once and in full, or underpaid by who hung up",
  ],
  ["a rappen too much", withLeg({ billedRappen: 41 }), "billed what Asterisk's record owes"],
  ["a call without a record", withLeg({ record: null }), "billed what Asterisk's record owes"],
  [
    "a missing pulse",
    withLeg({ pulses: leg.pulses.filter(({ sequence }) => sequence !== 2) }),
    "pulses from 1 on, without gap or double",
  ],
  ["a pulse twice", withLeg({ pulses: [...leg.pulses, leg.pulses[3]!] }), "pulses from 1 on, without gap or double"],
  ["an open leg", withLeg({ ended: false, endReason: null }), "books closed for the right reason"],
  ["another reason", withLeg({ endReason: "channel_gone" }), "books closed for the right reason"],
  ["an end just after the pulse that pays", booked("keys the code", 15_100, 4), "let go inside the safe window"],
  ["an end just before the next pulse", booked("keys the code", 19_900, 4), "let go inside the safe window"],
  ["an end after the next pulse", booked("keys the code", 20_100, 5), "let go before the next pulse"],
])("%s is found", (_what, call, rule) => {
  expect(faultsOf(call).map((fault) => fault.rule)).toContain(rule);
});

test("flat is what grew by no more than the larger allowance from the second quarter to the last", () => {
  const steps = (values: readonly number[]) => values.flatMap((value) => Array<number>(10).fill(value));
  const allowance = { share: 0.1, amount: 20 };
  expect(flatness(steps([50, 100, 110, 120]), allowance)).toMatchObject({ earlier: 100, later: 120, flat: true });
  expect(flatness(steps([50, 100, 110, 121]), allowance).flat).toBe(false);
  expect(flatness(steps([50, 1_000, 1_050, 1_100]), allowance).flat).toBe(true);
  expect(flatness(steps([50, 1_000, 1_050, 1_101]), allowance).flat).toBe(false);
  expect(flatness([], allowance).flat).toBe(false);
});

test("percentiles are values that occurred, and a call that ends as another begins isn't on the line with it", () => {
  expect([50, 99, 100].map((percent) => percentile([3, 1, 2, 4], percent))).toEqual([2, 4, 4]);
  const spans = [
    { fromMs: 0, toMs: 10 },
    { fromMs: 5, toMs: 15 },
    { fromMs: 10, toMs: 20 },
  ];
  expect(mostAtOnce(spans)).toBe(2);
});
