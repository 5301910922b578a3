/** The value below which `percent` of all values lie, by the nearest rank; NaN of none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** Most spans that cover one moment. */
export function mostAtOnce(spans: readonly { readonly fromMs: number; readonly toMs: number }[]): number {
  const steps = spans.flatMap(({ fromMs, toMs }) => [
    { atMs: fromMs, change: 1 },
    { atMs: toMs, change: -1 },
  ]);
  let now = 0;
  let most = 0;
  for (const { change } of steps.sort((a, b) => a.atMs - b.atMs || a.change - b.change)) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}
