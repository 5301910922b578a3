import type { Rappen } from "./money.ts";

/** The most that one caller may spend over one trunk, and how often they may be answered; null: no limit. */
export interface CallerLimits {
  readonly dayMaxRappen: Rappen | null;
  readonly monthMaxRappen: Rappen | null;
  readonly yearMaxRappen: Rappen | null;
  readonly callsPerDayMax: number | null;
}

/** What a caller has spent over a trunk in the running day, month and year, with what calls under way will still cost. */
export interface CallerSpending {
  readonly dayRappen: Rappen;
  readonly monthRappen: Rappen;
  readonly yearRappen: Rappen;
  readonly callsToday: number;
}

/** Whether a caller has nothing left to spend, so that a further call could only cost them money. */
export function isSpent(limits: CallerLimits, spent: CallerSpending): boolean {
  const { callsPerDayMax } = limits;
  return exceeds(limits, spent, 1) || (callsPerDayMax !== null && spent.callsToday >= callsPerDayMax);
}

/** Whether `costRappen` more would bring a caller over one of the limits. */
export function exceeds(limits: CallerLimits, spent: CallerSpending, costRappen: Rappen): boolean {
  const over = (max: Rappen | null, rappen: Rappen) => max !== null && rappen + costRappen > max;
  return (
    over(limits.dayMaxRappen, spent.dayRappen) ||
    over(limits.monthMaxRappen, spent.monthRappen) ||
    over(limits.yearMaxRappen, spent.yearRappen)
  );
}
