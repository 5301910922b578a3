import { sql } from "kysely";
import type { Pulse } from "../core/tariff.ts";
import { applyPulses } from "../core/transitions.ts";
import type { Db, DbTransaction } from "./database.ts";
import { notify } from "./notices.ts";
import { changeWithin, findTransactions } from "./transactions.ts";
import { PULSED_EVERY_SECONDS, tellPulses } from "./webhook-outbox.ts";

/** Pulses of one call that are due and not booked yet. */
export interface DuePulses {
  readonly leg: number;
  readonly epoch: number;
  readonly pulses: readonly Pulse[];
}

export interface Booking {
  /** Legs that are still ours: a leg missing here has another owner or has ended, and its meter must stop. */
  readonly held: ReadonlySet<number>;
}

/** A worker that hasn't renewed a leg for so long is taken for dead. Renewed with each booking and each heartbeat. */
export const LEASE_SECONDS = 15;

/**
 * Books the due pulses of many calls in one database transaction. A pulse is booked once, however often it is sent: its
 * key is (call leg, sequence). A worker that was thought dead books nothing: its epoch is old. Booking twice is worse
 * than booking late, because late is mended by the next batch and twice is somebody's money.
 */
export async function bookPulses(db: Db, due: readonly DuePulses[]): Promise<Booking> {
  return db.transaction().execute((trx) => bookWithin(trx, due));
}

/** The same inside a database transaction that is under way. */
export async function bookWithin(trx: DbTransaction, due: readonly DuePulses[]): Promise<Booking> {
  const lines = due.flatMap(({ leg, epoch, pulses }) => pulses.map((pulse) => ({ leg, epoch, pulse })));
  const { rows } = await sql<BookedRow>`
    with sent as (
      select * from unnest(
        ${lines.map((line) => line.leg)}::bigint[],
        ${lines.map((line) => line.epoch)}::integer[],
        ${lines.map((line) => line.pulse.sequence)}::integer[],
        ${lines.map((line) => line.pulse.amountRappen)}::integer[]
      ) as s (leg, epoch, sequence, amount)
    ), ours as (
      select l.id, l.epoch from call_legs l
      where (l.id, l.epoch) in (select distinct leg, epoch from sent) and l.ended_at is null
      order by l.id for no key update
    ), booked as (
      insert into pulses (call_leg_id, sequence, amount, epoch)
      select s.leg, s.sequence, s.amount, s.epoch from sent s join ours o on o.id = s.leg and o.epoch = s.epoch
      on conflict do nothing
      returning call_leg_id, amount
    ), sums as (
      select call_leg_id, sum(amount)::integer as amount from booked group by call_leg_id
    ), legs as (
      update call_legs l
      set billed = l.billed + coalesce(s.amount, 0),
          lease_until = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})
      from ours o left join sums s on s.call_leg_id = o.id
      where l.id = o.id
      returning l.id, l.transaction_id, coalesce(s.amount, 0) as amount
    ), paying as (
      update transactions t set billed = t.billed + p.amount
      from (select transaction_id, sum(amount)::integer as amount from legs
            where transaction_id is not null and amount > 0 group by transaction_id) p
      where t.id = p.transaction_id
      returning t.id, t.billed, t.billed >= t.total as reached, exists (
        select from webhook_endpoints w
        where w.merchant_id = t.merchant_id and w.test = t.test and w.disabled_at is null
          and 'transaction.pulsed' = any(w.events)
      ) and not exists (
        select from webhook_events v
        where v.transaction_id = t.id and v.type = 'transaction.pulsed'
          and v.created_at > now() - make_interval(secs => ${PULSED_EVERY_SECONDS})
      ) as "toTell"
    )
    select legs.id as leg, paying.id as transaction, paying.billed, paying.reached, paying."toTell"
    from legs left join paying on paying.id = legs.transaction_id and legs.amount > 0`.execute(trx);

  const moved = rows.filter((row) => row.transaction !== null);
  for (const row of moved) if (row.reached && row.transaction) await changeWithin(trx, row.transaction, applyPulses);
  // The one that pays is told as paid.
  const told = moved.flatMap(({ transaction, toTell, reached }) =>
    transaction && toTell && !reached ? [transaction] : [],
  );
  if (told.length > 0) await tellPulses(trx, await findTransactions(trx, told));
  await notify(
    trx,
    moved.map((row) => ({ id: (row.transaction ?? "").toUpperCase(), billedRappen: row.billed ?? 0 })),
  );
  return { held: new Set(rows.map((row) => row.leg)) };
}

interface BookedRow {
  readonly leg: number;
  readonly transaction: string | null;
  readonly billed: number | null;
  readonly reached: boolean | null;
  /** Whether an endpoint asked to be told of pulses. */
  readonly toTell: boolean | null;
}
