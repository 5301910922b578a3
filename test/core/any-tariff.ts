import fc from "fast-check";
import type { Segment } from "../../core/tariff.ts";
import type { TrunkBilling } from "../../core/trunk.ts";

const upTo = (max: number) => fc.integer({ min: 1, max });

export const timeSegment = fc.record({
  kind: fc.constant("time" as const),
  rappenPerMinute: upTo(1_000),
  incrementSeconds: upTo(60),
  firstIncrementSeconds: upTo(60),
});

/** Pulses last a second at least. */
export const pulseSegment = fc
  .record({ kind: fc.constant("pulse" as const), pulseRappen: upTo(50), rappenPerMinute: upTo(1_000) })
  .map((segment) => ({ ...segment, rappenPerMinute: Math.min(segment.rappenPerMinute, 60 * segment.pulseRappen) }));

const lastSegment: fc.Arbitrary<Segment> = fc.oneof(
  timeSegment,
  pulseSegment,
  fc.record({ kind: fc.constant("repeat" as const), priceRappen: upTo(500), everySeconds: upTo(900) }),
);

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** Free time, a fixed fee, a first price, a last one without an end, a cap: each but the last one may be missing. */
export const anyTariff: fc.Arbitrary<readonly Segment[]> = fc
  .tuple(
    maybe(fc.record({ kind: fc.constant("free" as const), seconds: upTo(60) })),
    maybe(fc.record({ kind: fc.constant("fixed" as const), priceRappen: upTo(2_000) })),
    maybe(fc.tuple(timeSegment, upTo(120)).map(([segment, seconds]) => ({ ...segment, seconds }))),
    lastSegment,
    maybe(fc.record({ kind: fc.constant("cap" as const), callRappen: upTo(10_000) })),
  )
  .map((parts) => parts.filter((part) => part !== undefined));

export const anyTrunk: fc.Arbitrary<TrunkBilling> = fc.record({
  durationRounding: fc.constantFrom("up", "half_up", "down"),
  guardAfterPulseMs: fc.integer({ min: 1, max: 600 }),
  guardBeforePulseMs: fc.integer({ min: 0, max: 250 }),
  totalRoundingRappen: fc.constantFrom(1, 5, 10),
});
