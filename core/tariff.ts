import type { Rappen } from "./money.ts";

/**
 * A tariff is an ordered list of segments, as BAKOM lists the prices that a 090x number may have: free time, a fixed
 * fee, a fee that repeats, a price per minute that may change during the call. Seconds and prices are integers; only
 * the last segment may be without an end, and a cap on the whole call stands behind it. Time is billed in increments,
 * and a started increment is billed whole. What is no tariff at all is told by core/tariff-rules.ts.
 */
export type Segment =
  | { readonly kind: "free"; readonly seconds: number }
  | { readonly kind: "fixed"; readonly priceRappen: Rappen }
  | { readonly kind: "repeat"; readonly priceRappen: Rappen; readonly everySeconds: number; readonly seconds?: number }
  | {
      readonly kind: "time";
      readonly rappenPerMinute: Rappen;
      readonly incrementSeconds: number;
      readonly firstIncrementSeconds?: number;
      readonly seconds?: number;
    }
  | {
      /** Every pulse costs the same, and the price per minute makes its length: no whole number of seconds in general. */
      readonly kind: "pulse";
      readonly pulseRappen: Rappen;
      readonly rappenPerMinute: Rappen;
      readonly seconds?: number;
    }
  | {
      /** Stands last: no call costs more. The step that would pass it is cut to it, and nothing is billed from there on. */
      readonly kind: "cap";
      readonly callRappen: Rappen;
    };

export interface Tariff {
  readonly id: number;
  readonly name: string;
  readonly segments: readonly Segment[];
}

/** One pulse of the staircase that a call climbs: due at `startsAtMs` after answer, owed by any call longer than that. */
export interface Pulse {
  readonly sequence: number;
  readonly startsAtMs: number;
  readonly amountRappen: Rappen;
  /** Sum of this pulse and all before it. */
  readonly billedRappen: Rappen;
}

/** No call is metered beyond this: cut at 60 minutes (law in DE and AT, for CH our choice). */
export const CALL_SECONDS_MAX = 3_600;
/** Most that one call may cost, CHF 400 (OST art. 39). */
export const CALL_MAX_RAPPEN: Rappen = 40_000;

const staircases = new WeakMap<readonly Segment[], readonly Pulse[]>();

/**
 * Every pulse that a call on this tariff can owe, in order, up to the longest and dearest call allowed. This list is
 * the one billing function: quote, announcement, meter, page and reconciliation only search it. Prices per minute are
 * summed in sixtieths of a rappen and divided once for each step, rounding up, so nothing drifts.
 */
export function pulsesOf(segments: readonly Segment[]): readonly Pulse[] {
  const known = staircases.get(segments);
  if (known) return known;
  const pulses = climb(segments);
  staircases.set(segments, pulses);
  return pulses;
}

/** What is billed to a call that lasted `elapsedMs` since answer. A pulse is owed once its start has passed. */
export function billedAfter(segments: readonly Segment[], elapsedMs: number): Rappen {
  const count = pulsesDue(segments, elapsedMs);
  return count === 0 ? 0 : (pulsesOf(segments)[count - 1]?.billedRappen ?? 0);
}

/** How many pulses a call owes that lasted `elapsedMs` since answer. */
export function pulsesDue(segments: readonly Segment[], elapsedMs: number): number {
  return lowerBound(pulsesOf(segments), (pulse) => pulse.startsAtMs >= elapsedMs);
}

/** The pulse that brings a call to `rappen` or more, or null when no allowed call can reach it. */
export function pulseReaching(segments: readonly Segment[], rappen: Rappen): Pulse | null {
  const pulses = pulsesOf(segments);
  return pulses[lowerBound(pulses, (pulse) => pulse.billedRappen >= rappen)] ?? null;
}

/** When the pulse after `pulse` falls, in ms since answer; the longest call's end where there is none. */
export function nextPulseAtMs(segments: readonly Segment[], pulse: Pulse): number {
  return pulsesOf(segments)[pulse.sequence]?.startsAtMs ?? CALL_SECONDS_MAX * 1_000;
}

function climb(segments: readonly Segment[]): readonly Pulse[] {
  const pulses: Pulse[] = [];
  const capRappen = capOf(segments);
  let sixtieths = 0;
  for (const { atMs, addSixtieths } of increments(segments)) {
    sixtieths += addSixtieths;
    const billedRappen = Math.min(Math.ceil(sixtieths / 60), capRappen);
    if (atMs >= CALL_SECONDS_MAX * 1_000 || billedRappen > CALL_MAX_RAPPEN) break;
    const last = pulses.at(-1);
    const before = last?.billedRappen ?? 0;
    if (before === capRappen) break;
    if (billedRappen === before) continue; // less than a rappen has come together: not a pulse yet
    const amountRappen = billedRappen - before;
    if (last?.startsAtMs === atMs)
      pulses[pulses.length - 1] = { ...last, billedRappen, amountRappen: last.amountRappen + amountRappen };
    else pulses.push({ sequence: pulses.length + 1, startsAtMs: atMs, amountRappen, billedRappen });
  }
  return pulses;
}

function capOf(segments: readonly Segment[]): Rappen {
  const last = segments.at(-1);
  return last?.kind === "cap" ? last.callRappen : Number.POSITIVE_INFINITY;
}

/** One step of the price: from `atMs` after answer the call costs so much more. */
interface Increment {
  readonly atMs: number;
  readonly addSixtieths: number;
}

function* increments(segments: readonly Segment[]): Generator<Increment> {
  let from = 0;
  for (const segment of segments) {
    if (segment.kind === "cap") return;
    const until = segment.kind === "fixed" ? from : from + (segment.seconds ?? CALL_SECONDS_MAX);
    for (const step of stepsOf(segment)) {
      if (step.afterMs > 0 && from * 1_000 + step.afterMs >= until * 1_000) break;
      yield { atMs: from * 1_000 + step.afterMs, addSixtieths: step.addSixtieths };
    }
    from = until;
    if (from >= CALL_SECONDS_MAX) return;
  }
}

/** The steps of one segment in ms since its start, without an end: the segment's own end cuts them. */
function* stepsOf(segment: Segment): Generator<{ readonly afterMs: number; readonly addSixtieths: number }> {
  if (segment.kind === "fixed") yield { afterMs: 0, addSixtieths: segment.priceRappen * 60 };
  if (segment.kind === "repeat")
    for (let after = 0; ; after += segment.everySeconds)
      yield { afterMs: after * 1_000, addSixtieths: segment.priceRappen * 60 };
  if (segment.kind === "time") {
    const first = segment.firstIncrementSeconds ?? segment.incrementSeconds;
    yield { afterMs: 0, addSixtieths: segment.rappenPerMinute * first };
    for (let after = first; ; after += segment.incrementSeconds)
      yield { afterMs: after * 1_000, addSixtieths: segment.rappenPerMinute * segment.incrementSeconds };
  }
  if (segment.kind === "pulse") {
    const msOfPulses = (pulses: number) => (pulses * 60_000 * segment.pulseRappen) / segment.rappenPerMinute;
    // Rounded down, whole milliseconds are exact: a call of m ms has outlived a moment just if m is above its floor.
    for (let pulses = 0; ; pulses++)
      yield { afterMs: Math.floor(msOfPulses(pulses)), addSixtieths: segment.pulseRappen * 60 };
  }
}

/** Index of the first item that satisfies `test`, in a list where all that do stand behind all that don't. */
function lowerBound<T>(items: readonly T[], test: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(items[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
