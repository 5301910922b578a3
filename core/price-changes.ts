import type { Rappen } from "./money.ts";
import type { Segment } from "./tariff.ts";

/** Another price a minute from then on, or a fee that falls then. */
export interface PriceChange {
  readonly atSeconds: number;
  readonly kind: "per_minute" | "fee";
  readonly priceRappen: Rappen;
}

/**
 * The prices that change and the fees that fall while a call runs, up to `untilSeconds` after answer: each is announced
 * right before, whatever its size (PBV/OIP art. 11a para. 4). What a call begins to cost, at once or after free time,
 * is no change: it was announced as the price.
 */
export function priceChanges(segments: readonly Segment[], untilSeconds: number): readonly PriceChange[] {
  const changes: PriceChange[] = [];
  let from = 0;
  let begunAt: number | null = null;
  let perMinute: Rappen = 0;
  const noteMinute = (next: Rappen): void => {
    if (next !== perMinute && begunAt !== null && from > begunAt)
      changes.push({ atSeconds: from, kind: "per_minute", priceRappen: next });
    perMinute = next;
    if (next > 0) begunAt ??= from;
  };
  const noteFee = (atSeconds: number, priceRappen: Rappen): void => {
    begunAt ??= atSeconds;
    if (atSeconds > begunAt) changes.push({ atSeconds, kind: "fee", priceRappen });
  };
  for (const segment of segments) {
    if (from >= untilSeconds || segment.kind === "cap") break;
    if (segment.kind === "fixed") {
      noteFee(from, segment.priceRappen);
      continue;
    }
    const until = Math.min(untilSeconds, from + (segment.seconds ?? untilSeconds));
    noteMinute("rappenPerMinute" in segment ? segment.rappenPerMinute : 0);
    if (segment.kind === "repeat")
      for (let at = from; at < until; at += segment.everySeconds) noteFee(at, segment.priceRappen);
    from = until;
  }
  return changes.filter(({ atSeconds }) => atSeconds < untilSeconds);
}
