import type { Rappen } from "./money.ts";

/**
 * A tariff is an ordered list of segments, as BAKOM lists the prices that a 090x number may have: free time, a fixed
 * fee, a fee that repeats, a price per minute that may change during the call. Seconds and prices are integers; only
 * the last segment may be without an end. Time is billed in increments, and a started increment is billed whole.
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

/** No call is metered beyond this: cut at 60 minutes (our choice for CH, docs/decisions; DE and AT make it law). */
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
  let sixtieths = 0;
  for (const { atSeconds, addSixtieths } of increments(segments)) {
    sixtieths += addSixtieths;
    const billedRappen = Math.ceil(sixtieths / 60);
    if (atSeconds >= CALL_SECONDS_MAX || billedRappen > CALL_MAX_RAPPEN) break;
    const last = pulses.at(-1);
    const before = last?.billedRappen ?? 0;
    if (billedRappen === before) continue; // less than a rappen has come together: not a pulse yet
    if (last?.startsAtMs === atSeconds * 1_000) {
      pulses[pulses.length - 1] = { ...last, billedRappen, amountRappen: last.amountRappen + billedRappen - before };
    } else {
      const amountRappen = billedRappen - before;
      pulses.push({ sequence: pulses.length + 1, startsAtMs: atSeconds * 1_000, amountRappen, billedRappen });
    }
  }
  return pulses;
}

function* increments(segments: readonly Segment[]): Generator<{ atSeconds: number; addSixtieths: number }> {
  let from = 0;
  for (const segment of segments) {
    const until = segment.kind === "fixed" ? from : from + (segment.seconds ?? CALL_SECONDS_MAX);
    if (segment.kind === "fixed") yield { atSeconds: from, addSixtieths: segment.priceRappen * 60 };
    if (segment.kind === "repeat") {
      for (let at = from; at < until; at += segment.everySeconds)
        yield { atSeconds: at, addSixtieths: segment.priceRappen * 60 };
    }
    if (segment.kind === "time") {
      let length = segment.firstIncrementSeconds ?? segment.incrementSeconds;
      for (let at = from; at < until; ) {
        yield { atSeconds: at, addSixtieths: segment.rappenPerMinute * length };
        at += length;
        length = segment.incrementSeconds;
      }
    }
    from = until;
    if (from >= CALL_SECONDS_MAX) return;
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
