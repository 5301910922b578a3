import type { CallOfTransaction } from "../db/call-legs.ts";

/** How long the calls lasted together; null when there was none. A call that still runs counts until `until`. */
export function callSeconds(calls: readonly CallOfTransaction[], until: Date): number | null {
  if (calls.length === 0) return null;
  const ms = calls.reduce((sum, call) => sum + callMs(call, until), 0);
  return Math.round(ms / 1_000);
}

export function callMs({ durationMs, answeredAt, endedAt }: CallOfTransaction, until: Date): number {
  if (durationMs !== null) return durationMs;
  return answeredAt ? Math.max(0, (endedAt ?? until).getTime() - answeredAt.getTime()) : 0;
}
