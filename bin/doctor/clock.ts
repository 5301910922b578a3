import { type Finding, well, wrong } from "./finding.ts";

/** Clocks further apart than this make codes expire, and calls taken over, at moments that nobody understands. */
const SKEW_MS_MAX = 1_000;

/** What another clock said, and what ours did when it was asked and when it answered. */
export interface ClockReading {
  readonly toldMs: number;
  readonly askedMs: number;
  readonly answeredMs: number;
}

/** Reads our clock before and after asking for the other. */
export async function readClock(now: () => number, ask: () => Promise<number>): Promise<ClockReading> {
  const askedMs = now();
  const toldMs = await ask();
  return { toldMs, askedMs, answeredMs: now() };
}

/** Compares a clock with that of this machine; the time that the answer took is doubt in favour of the clock. */
export function compareClocks(check: string, whose: string, { toldMs, askedMs, answeredMs }: ClockReading): Finding {
  const skewMs = Math.round(toldMs - (askedMs + answeredMs) / 2);
  const doubtMs = (answeredMs - askedMs) / 2;
  if (Math.abs(skewMs) - doubtMs <= SKEW_MS_MAX) return well(check, "goes with this machine's");
  const apart = `${Math.abs(skewMs / 1_000).toFixed(1)} s ${skewMs > 0 ? "ahead of" : "behind"} this machine's`;
  return wrong(
    check,
    `is ${apart}`,
    `Let ${whose} and this machine keep the same time (NTP: timedatectl, chronyc tracking).`,
  );
}
