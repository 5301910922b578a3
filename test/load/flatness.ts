import { median } from "./figures.ts";

/** What one watched figure may have grown by and still be called flat: the larger of both. */
export interface Allowance {
  readonly share: number;
  readonly amount: number;
}

export interface Flatness {
  readonly earlier: number;
  readonly later: number;
  readonly most: number;
  readonly flat: boolean;
}

/**
 * The rule by which a soak calls a figure flat: the median of its last quarter is no more than the allowance above that
 * of its second. The first quarter is left out, because there heaps and pools grow to what the work needs; medians,
 * because a sample just before a garbage collection says nothing. NaN, of too few samples, isn't flat.
 */
export function flatness(samples: readonly number[], allowance: Allowance): Flatness {
  const quarter = Math.floor(samples.length / 4);
  const earlier = median(samples.slice(quarter, 2 * quarter));
  const later = median(samples.slice(3 * quarter));
  const flat = later - earlier <= Math.max(allowance.share * earlier, allowance.amount);
  return { earlier, later, most: Math.max(...samples), flat };
}
