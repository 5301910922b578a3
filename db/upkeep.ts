import { confirm, expire } from "../core/transitions.ts";
import { abandonedLegs } from "./call-legs.ts";
import { closeLeg } from "./close-leg.ts";
import { completeLeg, legsToComplete } from "./complete-leg.ts";
import type { Db } from "./database.ts";
import { forgetAnswers } from "./idempotent-answers.ts";
import { LEASE_SECONDS } from "./pulses.ts";
import { changeTransaction, transactionsToConfirm, transactionsToExpire } from "./transactions.ts";

/** Rows that one round looks at, of each kind. */
export const UPKEEP_ROWS_MAX = 200;
/** A leg that nobody has looked after for so long is closed: the dialplan has given its call up by then. */
export const ABANDONED_SECONDS = 75;
/** Where Asterisk's record will tell how long a call lasted, its leg waits longer for it: the caller may still be on the line. */
export const ABANDONED_BEFORE_RECORD_SECONDS = 900;

/** How long calls lasted, by Asterisk's own record, in ms (null: never answered); calls it doesn't know as ended are left out. */
export type EndedCalls = (uniqueids: readonly string[]) => Promise<ReadonlyMap<string, number | null>>;

export interface UpkeepRound {
  readonly expired: number;
  readonly confirmed: number;
  readonly closed: number;
}

/**
 * Notes what the clock has decided: expired transactions, those confirmed by lapse of time, legs that a crash left
 * open, answers that nobody may ask for again. Any number of processes may do this at once; each change happens once.
 */
export async function keepUp(
  db: Db,
  options: {
    readonly worker: string;
    /** Whether legs without a worker may be taken for abandoned; not just after the database was away. */
    readonly closeAbandoned: boolean;
    readonly endedCalls?: EndedCalls | undefined;
  },
): Promise<UpkeepRound> {
  const toExpire = await transactionsToExpire(db, UPKEEP_ROWS_MAX);
  for (const id of toExpire) await changeTransaction(db, id, expire);
  const toConfirm = await transactionsToConfirm(db, UPKEEP_ROWS_MAX);
  for (const id of toConfirm) await changeTransaction(db, id, confirm("clock"));

  const silent = options.endedCalls ? await abandonedLegs(db, 0, UPKEEP_ROWS_MAX) : [];
  const ended = silent.length > 0 ? await options.endedCalls?.(silent) : undefined;
  for (const [uniqueid, talkMs] of ended ?? [])
    await closeLeg(db, {
      worker: options.worker,
      uniqueid,
      talkMs,
      silentSeconds: LEASE_SECONDS,
      reason: "caller_hung_up",
    });
  for (const { uniqueid, talkMs } of await legsToComplete(db, UPKEEP_ROWS_MAX))
    await completeLeg(db, { uniqueid, talkMs, reason: "caller_hung_up" });
  const abandoned = options.closeAbandoned ? await closeAbandoned(db, options) : 0;
  await forgetAnswers(db, UPKEEP_ROWS_MAX);
  return { expired: toExpire.length, confirmed: toConfirm.length, closed: (ended?.size ?? 0) + abandoned };
}

/** Answers how many legs were closed. Of a played call no record will ever come, so nobody waits for one. */
async function closeAbandoned(
  db: Db,
  { worker, endedCalls }: { readonly worker: string; readonly endedCalls?: EndedCalls | undefined },
): Promise<number> {
  const real = endedCalls ? ABANDONED_BEFORE_RECORD_SECONDS : ABANDONED_SECONDS;
  let closed = 0;
  for (const [seconds, played] of [
    [ABANDONED_SECONDS, true],
    [real, false],
  ] as const) {
    for (const uniqueid of await abandonedLegs(db, seconds, UPKEEP_ROWS_MAX, { played })) {
      const silentSeconds = LEASE_SECONDS + seconds;
      await closeLeg(db, { worker, uniqueid, talkMs: null, silentSeconds, reason: "abandoned" });
      closed += 1;
    }
  }
  return closed;
}
