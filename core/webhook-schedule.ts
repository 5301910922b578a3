/** How long each attempt waits after the one before; the first one waits for nothing. Three days and some hours in all. */
export const WAITS_SECONDS = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400] as const;
/** A wait is longer by up to this part of it, so that what failed at one moment doesn't come back at one moment. */
const JITTER = 0.1;
/** However long a receiver asks us to wait, we wait no longer. */
const RETRY_AFTER_SECONDS_MAX = 86_400;
/** An endpoint that has failed for so long without a single success is disabled by the next delivery that runs out of attempts. */
export const FAILING_DAYS_MAX = 5;
const GONE = 410;

/** Why there was no answer, or none that could be used. */
export type AttemptError =
  | "address_not_allowed"
  | "host_unknown"
  | "connection_refused"
  | "connection_lost"
  | "unreachable"
  | "tls_failed"
  | "answer_malformed"
  | "timed_out"
  | "failed";

/** What came of one attempt. With a status and an error, the answer began and didn't end. */
export interface AttemptOutcome {
  readonly status: number | null;
  readonly error: AttemptError | null;
  readonly retryAfterSeconds: number | null;
}

export type Verdict =
  | { readonly kind: "delivered" }
  | { readonly kind: "again"; readonly waitSeconds: number }
  | { readonly kind: "failed"; readonly gone: boolean };

/** Only a whole answer of 2xx is a delivery: a receiver that moved has to say so to its owner, not to us. */
export function isDelivered({ status, error }: AttemptOutcome): boolean {
  return error === null && status !== null && status >= 200 && status < 300;
}

/**
 * What follows from an attempt: the `step`-th of its schedule, from 0. A test is tried once, because its merchant waits
 * for it. `dice` is a random number from 0 to 1.
 */
export function judgeAttempt(
  attempt: { readonly step: number; readonly test: boolean; readonly dice: number },
  outcome: AttemptOutcome,
): Verdict {
  if (isDelivered(outcome)) return { kind: "delivered" };
  if (outcome.status === GONE) return { kind: "failed", gone: true };
  const wait = attempt.test ? undefined : WAITS_SECONDS[attempt.step + 1];
  if (wait === undefined) return { kind: "failed", gone: false };
  const asked = Math.min(outcome.retryAfterSeconds ?? 0, RETRY_AFTER_SECONDS_MAX);
  return { kind: "again", waitSeconds: Math.max(wait * (1 + JITTER * attempt.dice), asked) };
}

/** Seconds of a Retry-After header (RFC 9110 §10.2.3: seconds or a date); null for none, or what isn't one. */
export function readRetryAfter(header: string | undefined, now: Date): number | null {
  if (header === undefined) return null;
  if (/^[0-9]{1,9}$/.test(header)) return Number(header);
  const at = /^[A-Z][a-z]{2}, /.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now.getTime()) / 1_000));
}
