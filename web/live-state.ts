import { spellDuration } from "../core/durations.ts";
import { formatPercent, type Language, message } from "../core/messages.ts";
import { formatFrancs, formatMoney, type Rappen } from "../core/money.ts";
import { nextPulseAtMs, pulseReaching } from "../core/tariff.ts";
import { type PaymentException, type Status, statusAt } from "../core/transaction.ts";
import type { LiveCode } from "../db/codes.ts";
import type { LastPlay } from "../db/test-plays.ts";
import { type CallFacts, creditRappen, currentCall } from "./call-plan.ts";

/** What has to be known to say how far a payment is. Kept while pages watch it, so that a pulse costs no query. */
export interface ProgressFacts extends CallFacts {
  readonly code: LiveCode | null;
  /** What was played last, of a test transaction; null when nothing was, and always of a live one. */
  readonly lastPlay: LastPlay | null;
}

/** What the page's script is told; the page itself prints the same. */
export interface LiveState {
  readonly status: Status;
  readonly exception: PaymentException;
  readonly billedRappen: Rappen;
  readonly billedFigure: string;
  readonly totalRappen: Rappen;
  /** «CHF 4.30 sur CHF 9.90, TVA comprise» */
  readonly progressText: string;
  readonly percent: number;
  /** «43 %», «43%»: as the language writes it. */
  readonly percentText: string;
  /** Call time left, and how much of it may pass at most before the next pulse; null when no call is running. */
  readonly remainingSeconds: number | null;
  readonly remainingSecondsNext: number | null;
  readonly remainingSpoken: string | null;
  /** When the code that is valid now was issued (ms since 1970), or 0: an older page shows an older code. */
  readonly codeIssuedAt: number;
  /** Whether a simulated call is under way; only of a test transaction. */
  readonly isPlaying?: boolean;
}

export function liveState(facts: ProgressFacts, language: Language, now: Date): LiveState {
  const { transaction, code } = facts;
  const { billedRappen, totalRappen } = transaction;
  const left = remainingOfCall(facts, now);
  const percent = Math.min(100, Math.floor((100 * billedRappen) / totalRappen));
  const sum = message(language, "pay.progress.amount", {
    billed: formatMoney(billedRappen),
    total: formatMoney(totalRappen),
  });
  return {
    status: statusAt(transaction, now),
    exception: transaction.exception,
    billedRappen,
    billedFigure: formatFrancs(billedRappen),
    totalRappen,
    progressText: `${sum}, ${message(language, "pay.vatIncluded")}`,
    percent,
    percentText: formatPercent(language, percent),
    remainingSeconds: left?.seconds ?? null,
    remainingSecondsNext: left?.secondsNext ?? null,
    remainingSpoken: left ? spellDuration(language, left.seconds) : null,
    codeIssuedAt: code?.issuedAt.getTime() ?? 0,
    ...(facts.lastPlay ? { isPlaying: facts.lastPlay.isPlaying } : {}),
  };
}

/**
 * Call time left, read off the staircase: the last pulse booked says how far the call is at least, the next one how far
 * at most, and the clock since answer says where it stands between them.
 */
function remainingOfCall(
  facts: ProgressFacts,
  now: Date,
): { readonly seconds: number; readonly secondsNext: number } | null {
  const { transaction, calls } = facts;
  const { segments } = facts.terms;
  const plan = transaction.status === "calling" ? currentCall(facts) : null;
  if (!plan) return null;
  const { window } = plan;
  const billedRappen = transaction.billedRappen - creditRappen(facts);
  const last = billedRappen > 0 ? pulseReaching(segments, billedRappen) : null;
  const fromMs = last?.startsAtMs ?? 0;
  const nextMs = last ? nextPulseAtMs(segments, last) : (pulseReaching(segments, 1)?.startsAtMs ?? 0);
  const answeredAt = calls.findLast((call) => call.endedAt === null)?.answeredAt ?? null;
  const clockMs = answeredAt ? now.getTime() - answeredAt.getTime() : fromMs;
  const secondsAfter = (elapsedMs: number) => Math.max(0, Math.ceil((window.opensAtMs - elapsedMs) / 1_000));
  return {
    seconds: secondsAfter(Math.min(Math.max(clockMs, fromMs), nextMs)),
    secondsNext: secondsAfter(nextMs),
  };
}
