import { confirm, expire } from "../core/transaction.ts";
import { abandonedLegs, endLeg, takeOverAbandonedLeg } from "./call-legs.ts";
import type { Db } from "./database.ts";
import { findNumberInService, findTariff } from "./numbers.ts";
import { changeTransaction, transactionsToConfirm, transactionsToExpire } from "./transactions.ts";

/** Rows that one round looks at, of each kind. */
export const UPKEEP_ROWS_MAX = 200;
/** A leg that nobody has looked after for so long is closed: the dialplan has long given its call up. */
export const ABANDONED_SECONDS = 120;

export interface UpkeepRound {
  readonly expired: number;
  readonly confirmed: number;
  readonly closed: number;
}

/**
 * Notes what the clock has decided: expired transactions, those confirmed by lapse of time, and, when `closeLegs` says
 * so, legs that were left open by a crash. Any number of processes may do this at once; each change happens once.
 */
export async function keepUp(
  db: Db,
  options: { readonly worker: string; readonly closeLegs: boolean },
): Promise<UpkeepRound> {
  const toExpire = await transactionsToExpire(db, UPKEEP_ROWS_MAX);
  for (const id of toExpire) await changeTransaction(db, id, expire);
  const toConfirm = await transactionsToConfirm(db, UPKEEP_ROWS_MAX);
  for (const id of toConfirm) await changeTransaction(db, id, confirm("clock"));
  const abandoned = options.closeLegs ? await abandonedLegs(db, ABANDONED_SECONDS, UPKEEP_ROWS_MAX) : [];
  for (const uniqueid of abandoned) await closeAbandoned(db, uniqueid, options.worker);
  return { expired: toExpire.length, confirmed: toConfirm.length, closed: abandoned.length };
}

/** What was booked stays; what wasn't is found by comparing with Asterisk's own call records. */
async function closeAbandoned(db: Db, uniqueid: string, worker: string): Promise<void> {
  const leg = await takeOverAbandonedLeg(db, uniqueid, worker);
  if (!leg) return;
  const { segments } = await findTariff(db, leg.tariffId);
  const number = await findNumberInService(db, leg.number);
  await endLeg(db, {
    leg: leg.id,
    epoch: leg.epoch,
    reason: "abandoned",
    durationMs: null,
    lastPulses: null,
    segments,
    codeBeforeAnswer: number?.codeBeforeAnswer ?? false,
  });
}
