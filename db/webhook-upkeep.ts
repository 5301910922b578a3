import { sql } from "kysely";
import type { Db } from "./database.ts";

/** What was told, and what came of it, is kept for so long: so long it can be looked at and sent again. */
export const WEBHOOK_RETENTION_DAYS = 30;
/** Rows that one round changes, of each kind. */
const ROWS_A_ROUND_MAX = 1_000;

/**
 * Drops what waits for endpoints that are disabled, and forgets what is old. Any number of processes may do this at once.
 */
export async function keepUpWebhooks(db: Db): Promise<{ readonly dropped: number; readonly forgotten: number }> {
  const dropped = await sql`
    update webhook_deliveries set status = 'dropped', next_attempt_at = null, settled_at = clock_timestamp()
    where id in (
      select d.id from webhook_endpoints e join webhook_deliveries d on d.endpoint_id = e.id and d.status = 'pending'
      where e.disabled_at is not null limit ${ROWS_A_ROUND_MAX} for update of d skip locked
    )`.execute(db);
  const old = sql`now() - make_interval(days => ${WEBHOOK_RETENTION_DAYS})`;
  const forgotten = await sql`
    delete from webhook_events where sequence in (
      select v.sequence from webhook_events v
      where v.created_at < ${old} and not exists (
        select from webhook_deliveries d where d.event_sequence = v.sequence and d.status = 'pending'
      ) order by v.created_at limit ${ROWS_A_ROUND_MAX} for update skip locked
    )`.execute(db);
  await sql`
    delete from webhook_endpoints e where e.removed_at < ${old}
      and not exists (select from webhook_deliveries d where d.endpoint_id = e.id)`.execute(db);
  return { dropped: Number(dropped.numAffectedRows ?? 0), forgotten: Number(forgotten.numAffectedRows ?? 0) };
}
