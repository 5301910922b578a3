import { sql } from "kysely";
import { type Pulse, pulsesDue, pulsesOf } from "../core/tariff.ts";
import { completeCall } from "../core/transitions.ts";
import type { Db, DbTransaction } from "./database.ts";
import { findTariff, termsOfNumber } from "./numbers.ts";
import { changeWithin } from "./transactions.ts";

/** Ends of which nobody knew when they were: what was booked by then was kept. */
const INCOMPLETE = ["abandoned", "channel_gone"] as const;
/** What two clocks that were never set may differ by over a call. */
const CLOCKS_APART_MS = 2_000;
/** Records of calls come within this after their legs were closed without them. */
const RECORD_LATE_HOURS = 24;

/**
 * Books what a leg owes that was closed while nobody knew how long its call lasted, now that somebody does. Answers
 * false, and changes nothing, when there is no such leg. What it brings counts for its transaction as if it had come
 * in time.
 */
export async function completeLeg(
  db: Db,
  known: { readonly uniqueid: string; readonly talkMs: number; readonly reason: string },
): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const leg = await trx
      .selectFrom("call_legs")
      .select(["id", "epoch", "number", "tariff_id", "counts_after_ms", "transaction_id"])
      .select(sql<number>`(extract(epoch from clock_timestamp() - answered_at) * 1000)::float8`.as("answered_ms_ago"))
      .where("uniqueid", "=", known.uniqueid)
      .where("end_reason", "in", INCOMPLETE)
      .where("duration_ms", "is", null)
      .where("answered_at", "is not", null)
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (!leg) return false;
    const { segments } = await findTariff(trx, leg.tariff_id);
    const talkMs = possibleTalkMs(known.talkMs, leg.answered_ms_ago);
    const pulses = pulsesOf(segments).slice(0, pulsesDue(segments, talkMs - leg.counts_after_ms));
    const addedRappen = await addPulses(trx, leg, pulses);
    await trx
      .updateTable("call_legs")
      .set((eb) => ({
        billed: eb("billed", "+", addedRappen),
        duration_ms: Math.max(0, Math.round(talkMs)),
        end_reason: known.reason,
      }))
      .where("id", "=", leg.id)
      .execute();
    if (leg.transaction_id === null || addedRappen === 0) return true;
    await trx
      .updateTable("transactions")
      .set((eb) => ({ billed: eb("billed", "+", addedRappen) }))
      .where("id", "=", leg.transaction_id)
      .execute();
    const terms = await termsOfNumber(trx, leg.number);
    await changeWithin(
      trx,
      leg.transaction_id,
      completeCall({ ...terms, segments, leg: leg.id, reason: known.reason }),
    );
    return true;
  });
}

/** No call is older than the time since its answer: what says so comes from a clock that was set. */
export function possibleTalkMs(talkMs: number, answeredMsAgo: number | null): number {
  if (answeredMsAgo === null || talkMs <= answeredMsAgo + CLOCKS_APART_MS) return talkMs;
  return answeredMsAgo;
}

/** Legs closed without their length whose record has come meanwhile, with the length by that record, in ms. */
export async function legsToComplete(
  db: Db,
  limit: number,
): Promise<readonly { readonly uniqueid: string; readonly talkMs: number }[]> {
  const { rows } = await sql<{ uniqueid: string; talkMs: number }>`
    select l.uniqueid, sum(r.talk_ms)::float8 as "talkMs"
    from call_legs l join call_records r on r.uniqueid = l.uniqueid and r.source = 'file'
    where l.ended_at > now() - make_interval(hours => ${RECORD_LATE_HOURS}) and l.duration_ms is null
      and l.answered_at is not null and l.end_reason in (${sql.join(INCOMPLETE)})
    group by l.id order by l.id limit ${limit}`.execute(db);
  return rows;
}

async function addPulses(
  trx: DbTransaction,
  leg: { readonly id: number; readonly epoch: number },
  pulses: readonly Pulse[],
): Promise<number> {
  if (pulses.length === 0) return 0;
  const added = await trx
    .insertInto("pulses")
    .values(
      pulses.map(({ sequence, amountRappen }) => ({
        call_leg_id: leg.id,
        sequence,
        amount: amountRappen,
        epoch: leg.epoch,
        booked_at: sql<Date>`clock_timestamp()`,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .returning("amount")
    .execute();
  return added.reduce((sum, { amount }) => sum + amount, 0);
}
