import type { PromptKey } from "./speech.ts";

/** A Q.850 cause, and what is said before it where early media passes; null: nothing. */
export interface Refusal {
  readonly cause: number;
  readonly prompt: PromptKey | null;
}

/**
 * Why a call is refused before it is answered, for nothing. chan_pjsip makes the SIP answer of the cause:
 * 1 → 404, 21 → 403, 31 → 480, 34 and 42 → 503. (41 would be 603, which tells the caller's network to try nobody else.)
 */
export const REFUSALS = {
  /** Nobody ever put this number into service. */
  number_unallocated: { cause: 1, prompt: null },
  /** Ours, but out of service or allocated to nobody. */
  number_closed: { cause: 31, prompt: "ivr.number.notInService" },
  caller_hidden: { cause: 21, prompt: "ivr.caller.hidden" },
  caller_unknown: { cause: 21, prompt: "ivr.caller.hidden" },
  caller_abroad: { cause: 21, prompt: "ivr.caller.abroad" },
  caller_barred: { cause: 21, prompt: "ivr.caller.barred" },
  caller_over_limit: { cause: 21, prompt: "ivr.limit.caller" },
  caller_locked_out: { cause: 21, prompt: "ivr.caller.locked" },
  /** Too many wrong codes on the number: only callers with a number are let in for a while. */
  number_guarded: { cause: 21, prompt: "ivr.caller.hidden" },
  /** No server took the call: said by the dialplan, since nobody else is there. */
  no_worker: { cause: 34, prompt: "ivr.error.unavailable" },
  /** The books of this very call are closed already. */
  call_ended: { cause: 21, prompt: null },
  database_away: { cause: 42, prompt: null },
  /** The dialplan names a trunk that the database doesn't have. */
  trunk_unknown: { cause: 42, prompt: null },
} as const satisfies Readonly<Record<string, Refusal>>;

export type RefusalReason = keyof typeof REFUSALS;
