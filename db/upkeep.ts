import { pulsesDue, pulsesOf } from "../core/tariff.ts";
import { confirm, expire } from "../core/transaction.ts";
import { abandonedLegs, answerLeg, endLeg, takeOverAbandonedLeg } from "./call-legs.ts";
import type { Db } from "./database.ts";
import { codeIsKeyedBeforeAnswer, findTariff } from "./numbers.ts";
import { changeTransaction, transactionsToConfirm, transactionsToExpire } from "./transactions.ts";

/** Rows that one round looks at, of each kind. */
export const UPKEEP_ROWS_MAX = 200;
/** A leg that nobody has looked after for so long is closed: the dialplan has given its call up by then. */
export const ABANDONED_SECONDS = 75;

/** How long calls lasted, by Asterisk's own record, in ms (null: never answered); calls it doesn't know as ended are left out. */
export type EndedCalls = (uniqueids: readonly string[]) => Promise<ReadonlyMap<string, number | null>>;

export interface UpkeepRound {
  readonly expired: number;
  readonly confirmed: number;
  readonly closed: number;
}

/**
 * Notes what the clock has decided: expired transactions, those confirmed by lapse of time, and legs that a crash left
 * open. Any number of processes may do this at once; each change happens once.
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
    await closeLeg(db, { ...options, uniqueid, talkMs, reason: "caller_hung_up" });
  const abandoned = options.closeAbandoned ? await abandonedLegs(db, ABANDONED_SECONDS, UPKEEP_ROWS_MAX) : [];
  for (const uniqueid of abandoned) await closeLeg(db, { ...options, uniqueid, talkMs: null, reason: "abandoned" });
  return { expired: toExpire.length, confirmed: toConfirm.length, closed: (ended?.size ?? 0) + abandoned.length };
}

/** With a known length all pulses that it owes are booked; without, what was booked stays. */
async function closeLeg(
  db: Db,
  end: { readonly worker: string; readonly uniqueid: string; readonly talkMs: number | null; readonly reason: string },
): Promise<void> {
  const leg = await takeOverAbandonedLeg(db, end.uniqueid, end.worker);
  if (!leg) return;
  const { segments } = await findTariff(db, leg.tariffId);
  if (end.talkMs !== null) await answerLeg(db, { id: leg.id, epoch: leg.epoch, msAgo: end.talkMs });
  const pulses = end.talkMs === null ? [] : pulsesOf(segments).slice(0, pulsesDue(segments, end.talkMs));
  await endLeg(db, {
    leg: leg.id,
    epoch: leg.epoch,
    reason: end.reason,
    durationMs: end.talkMs,
    lastPulses: { leg: leg.id, epoch: leg.epoch, pulses },
    segments,
    codeBeforeAnswer: await codeIsKeyedBeforeAnswer(db, leg.number),
  });
}
