import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { quote, releaseWindow, safeMomentMs } from "../../core/quote.ts";
import {
  billedAfter,
  CALL_MAX_RAPPEN,
  CALL_SECONDS_MAX,
  pulseReaching,
  pulsesDue,
  pulsesOf,
  type Segment,
} from "../../core/tariff.ts";
import { TRUNK_BILLING } from "../../core/trunk.ts";

const perMinute = (
  rappenPerMinute: number,
  incrementSeconds: number,
  firstIncrementSeconds?: number,
): readonly Segment[] => [
  { kind: "time", rappenPerMinute, incrementSeconds, ...(firstIncrementSeconds ? { firstIncrementSeconds } : {}) },
];

/** Worked out by hand from the rules named in the sources; seconds → rappen. */
test.each([
  ["1.20/min in 10-rappen pulses: CHF 9.90 needs 99 of them, the 99th falls at 490 s", perMinute(120, 5), 490.001, 990],
  ["… and the 100th at 495 s", perMinute(120, 5), 495.001, 1000],
  ["… a call of a moment owes one", perMinute(120, 5), 0.001, 10],
  ["… a call of exactly 5 s still owes one", perMinute(120, 5), 5, 10],
  ["2.13/min by the minute: three started minutes", perMinute(213, 60), 120.5, 639],
  ["4.23/min by the second: 71 s are 500.55 rappen, billed 501", perMinute(423, 1), 71, 501],
  ["4.23/min by the second: 70 s are 493.5, billed 494", perMinute(423, 1), 70, 494],
  ["60/1: the first minute whole, then by the second", perMinute(120, 1, 60), 30, 120],
  ["60/1: 61 s", perMinute(120, 1, 60), 61, 122],
  ["30/6 at 1.20: 31 s are 36 s", perMinute(120, 6, 30), 31, 72],
  ["3.00 per call, however long", [{ kind: "fixed", priceRappen: 300 }], 900, 300],
  [
    "base 1.00 and 0.50/min",
    [
      { kind: "fixed", priceRappen: 100 },
      { kind: "time", rappenPerMinute: 50, incrementSeconds: 60 },
    ],
    61,
    200,
  ],
  [
    "30 s free, then 2.00/min by the second",
    [
      { kind: "free", seconds: 30 },
      { kind: "time", rappenPerMinute: 200, incrementSeconds: 1 },
    ],
    45,
    50,
  ],
  ["2.00 each 10 minutes", [{ kind: "repeat", priceRappen: 200, everySeconds: 600 }], 601, 400],
  [
    "1.00/min, after a minute 3.00/min",
    [
      { kind: "time", rappenPerMinute: 100, incrementSeconds: 60, seconds: 60 },
      { kind: "time", rappenPerMinute: 300, incrementSeconds: 60 },
    ],
    61,
    400,
  ],
  ["0.07/min by the second: less than a rappen a second, never a fraction", perMinute(7, 1), 60, 7],
] as const)("%s", (_name, segments, seconds, rappen) => {
  expect(billedAfter(segments, seconds * 1_000)).toBe(rappen);
});

/** The closed formula of the field's literature, as a second opinion on the staircase. */
function byFormula(segment: Extract<Segment, { kind: "time" }>, seconds: number): number {
  if (seconds <= 0) return 0;
  const first = segment.firstIncrementSeconds ?? segment.incrementSeconds;
  const whole =
    seconds <= first
      ? first
      : first + Math.ceil((seconds - first) / segment.incrementSeconds) * segment.incrementSeconds;
  return Math.ceil((segment.rappenPerMinute * whole) / 60);
}

const timeSegment = fc.record({
  kind: fc.constant("time" as const),
  rappenPerMinute: fc.integer({ min: 1, max: 1_000 }),
  incrementSeconds: fc.integer({ min: 1, max: 60 }),
  firstIncrementSeconds: fc.integer({ min: 1, max: 60 }),
});
const anyTariff: fc.Arbitrary<readonly Segment[]> = fc
  .tuple(
    fc.option(fc.record({ kind: fc.constant("free" as const), seconds: fc.integer({ min: 1, max: 60 }) }), {
      nil: undefined,
    }),
    fc.option(fc.record({ kind: fc.constant("fixed" as const), priceRappen: fc.integer({ min: 1, max: 2_000 }) }), {
      nil: undefined,
    }),
    fc.oneof(
      timeSegment,
      fc.record({
        kind: fc.constant("repeat" as const),
        priceRappen: fc.integer({ min: 1, max: 500 }),
        everySeconds: fc.integer({ min: 1, max: 900 }),
      }),
    ),
  )
  .map((parts) => parts.filter((part) => part !== undefined));

test("for a price per minute the staircase is the formula: started increments whole, rounded up once", () => {
  fc.assert(
    fc.property(timeSegment, fc.integer({ min: 0, max: 3_000_000 }), (segment, ms) => {
      const expected = byFormula(segment, ms / 1_000);
      if (expected <= CALL_MAX_RAPPEN) expect(billedAfter([segment], ms)).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});

test("what is billed never falls as time passes, and pulses are numbered from 1 without a gap", () => {
  fc.assert(
    fc.property(
      anyTariff,
      fc.integer({ min: 0, max: 4_000_000 }),
      fc.integer({ min: 0, max: 100_000 }),
      (segments, ms, more) => {
        expect(billedAfter(segments, ms + more)).toBeGreaterThanOrEqual(billedAfter(segments, ms));
        const pulses = pulsesOf(segments);
        pulses.forEach((pulse, index) => {
          expect(pulse.sequence).toBe(index + 1);
          expect(pulse.amountRappen).toBeGreaterThan(0);
          expect(pulse.billedRappen).toBe((pulses[index - 1]?.billedRappen ?? 0) + pulse.amountRappen);
        });
        expect(pulses.at(-1)?.billedRappen ?? 0).toBeLessThanOrEqual(CALL_MAX_RAPPEN);
        expect(pulses.at(-1)?.startsAtMs ?? 0).toBeLessThan(CALL_SECONDS_MAX * 1_000);
      },
    ),
    { numRuns: 300 },
  );
});

test("at release a call was billed the total, never less than asked, and less than one pulse more", () => {
  fc.assert(
    fc.property(
      anyTariff,
      fc.integer({ min: 1, max: 40_000 }),
      fc.boolean(),
      (segments, amountRappen, codeBeforeAnswer) => {
        const quoted = quote({ segments, amountRappen, codeBeforeAnswer });
        if ("refusal" in quoted) return;
        const { opensAtMs, closesAtMs, pulse } = quoted.window;
        expect(billedAfter(segments, opensAtMs)).toBe(quoted.totalRappen);
        if (closesAtMs > opensAtMs) expect(billedAfter(segments, closesAtMs)).toBe(quoted.totalRappen);
        expect(quoted.totalRappen).toBeGreaterThanOrEqual(amountRappen);
        expect(quoted.overshootRappen).toBe(quoted.totalRappen - amountRappen);
        expect(quoted.overshootRappen).toBeLessThan(pulse.amountRappen);
      },
    ),
    { numRuns: 2_000 },
  );
});

test("the release window is the guarded inside of the last interval: CHF 9.90 at 1.20/min ends between 490 and 495 s", () => {
  const window = releaseWindow(perMinute(120, 5), 990);
  expect(window).toMatchObject({ opensAtMs: 490_600, closesAtMs: 494_750 });
});

test("any moment is safe at which no pulse is near; the nearest later one is offered", () => {
  fc.assert(
    fc.property(anyTariff, fc.integer({ min: 1, max: 3_500_000 }), (segments, elapsedMs) => {
      const at = safeMomentMs(segments, elapsedMs);
      expect(at).toBeGreaterThanOrEqual(elapsedMs);
      const due = pulsesDue(segments, at);
      if (due === 0) return;
      expect(pulsesDue(segments, at + TRUNK_BILLING.guardBeforePulseMs)).toBe(due);
      expect(pulsesDue(segments, at - TRUNK_BILLING.guardAfterPulseMs + 1)).toBe(due);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ["nothing", 0, "amount_invalid"],
  ["less than nothing", -100, "amount_invalid"],
  ["a fraction", 10.5, "amount_invalid"],
  ["what isn't a number", Number.NaN, "amount_invalid"],
  ["one pulse, which any call that hears the question costs", 10, "amount_too_small"],
  ["more than an hour brings", 7_210, "amount_unreachable"],
])("an amount of %s is refused", (_name, amountRappen, refusal) => {
  expect(quote({ segments: perMinute(120, 5), amountRappen, codeBeforeAnswer: false })).toEqual({ refusal });
});

test("where the code is keyed before answer, the smallest amounts can be paid", () => {
  expect(quote({ segments: perMinute(120, 1), amountRappen: 2, codeBeforeAnswer: true })).toMatchObject({
    totalRappen: 2,
    overshootRappen: 0,
  });
});

test("a flat price per call pays its price or less, and nothing above", () => {
  const segments: readonly Segment[] = [{ kind: "fixed", priceRappen: 300 }];
  expect(quote({ segments, amountRappen: 250, codeBeforeAnswer: false })).toMatchObject({
    totalRappen: 300,
    overshootRappen: 50,
    pulses: 1,
  });
  expect(quote({ segments, amountRappen: 301, codeBeforeAnswer: false })).toEqual({ refusal: "amount_unreachable" });
  expect(pulseReaching(segments, 301)).toBeNull();
});
