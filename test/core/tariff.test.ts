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
import { tariffFaults } from "../../core/tariff-rules.ts";
import { TRUNK_BILLING } from "../../core/trunk.ts";
import { anyTariff, pulseSegment, timeSegment } from "./any-tariff.ts";

const perMinute = (
  rappenPerMinute: number,
  incrementSeconds: number,
  firstIncrementSeconds?: number,
): readonly Segment[] => [
  { kind: "time", rappenPerMinute, incrementSeconds, ...(firstIncrementSeconds ? { firstIncrementSeconds } : {}) },
];

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

test("for a price per minute the staircase is the formula: started increments whole, rounded up once", () => {
  fc.assert(
    fc.property(timeSegment, fc.integer({ min: 0, max: 3_000_000 }), (segment, ms) => {
      const expected = byFormula(segment, ms / 1_000);
      if (expected <= CALL_MAX_RAPPEN) expect(billedAfter([segment], ms)).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});

test("for pulses of one price the staircase is the formula: as many as have begun, at whole multiples of their length", () => {
  fc.assert(
    fc.property(pulseSegment, fc.integer({ min: 1, max: 3_000_000 }), (segment, ms) => {
      const { pulseRappen, rappenPerMinute } = segment;
      // The k-th has fallen before `ms` if k · 60,000 · price < ms · price per minute: in whole numbers.
      const begun = Math.floor((ms * rappenPerMinute - 1) / (60_000 * pulseRappen)) + 1;
      const expected = begun * pulseRappen;
      if (expected <= CALL_MAX_RAPPEN) expect(billedAfter([segment], ms)).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});

test("a cap changes nothing below it, and nothing is billed above it", () => {
  fc.assert(
    fc.property(
      anyTariff,
      fc.integer({ min: 1, max: 5_000 }),
      fc.integer({ min: 0, max: 3_700_000 }),
      (tariff, callRappen, ms) => {
        const bare = tariff.filter((segment) => segment.kind !== "cap");
        const capped: readonly Segment[] = [...bare, { kind: "cap", callRappen }];
        // A step that would pass the highest sum of all is not billed without a cap, and cut to it with one.
        if (billedAfter(bare, ms) > CALL_MAX_RAPPEN - 5_000) return;
        expect(billedAfter(capped, ms)).toBe(Math.min(billedAfter(bare, ms), callRappen));
      },
    ),
    { numRuns: 1_000 },
  );
});

test("whatever is random here is a tariff", () => {
  fc.assert(fc.property(anyTariff, (segments) => expect(tariffFaults(segments)).toEqual([])));
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
        expect(pulses.length).toBeLessThanOrEqual(3_600);
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
        if (quoted.calls > 1) return; // test/core/multi-call.test.ts
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
  expect(pulseReaching(segments, 301)).toBeNull();
});
