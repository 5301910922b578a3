import { sql } from "kysely";
import type { Db } from "./database.ts";

/** Most calls that one look shows. */
const LINES_MAX = 2_000;

/** One call under way, as the operator sees it. */
export interface LiveLine {
  readonly uniqueid: string;
  readonly number: string;
  readonly trunk: string;
  readonly merchant: string | null;
  /** The last two digits of the caller's number, for people who look; null when there is none. */
  readonly callerHint: string | null;
  readonly state: "before_answer" | "asked_for_code" | "paying" | "paid";
  readonly startedAt: Date;
  /** Since answer, by the database's clock. */
  readonly seconds: number;
  readonly billedRappen: number;
  /** Of the transaction, with what earlier calls brought; null while the code isn't known. */
  readonly paidRappen: number | null;
  readonly totalRappen: number | null;
  /** The voice server that serves it, and how long ago it was heard of. */
  readonly owner: string;
  readonly silentSeconds: number;
}

/** The calls under way, the oldest first. */
export async function liveLines(db: Db, leaseSeconds: number): Promise<readonly LiveLine[]> {
  const { rows } = await sql<LiveLine>`
    select l.uniqueid, l.number, l.trunk, m.name as merchant, right(l.caller, 2) as "callerHint",
      case when l.answered_at is null then 'before_answer' when t.id is null then 'asked_for_code'
           when t.paid_at is null then 'paying' else 'paid' end as state,
      l.started_at as "startedAt",
      coalesce(extract(epoch from clock_timestamp() - l.answered_at), 0)::integer as seconds,
      l.billed as "billedRappen", t.billed as "paidRappen", t.total as "totalRappen", l.owner,
      greatest(0, extract(epoch from clock_timestamp() - l.lease_until) + ${leaseSeconds})::integer as "silentSeconds"
    from call_legs l
    left join transactions t on t.id = l.transaction_id
    left join number_allocations a on a.number = l.number and a.withdrawn_at is null
    left join merchants m on m.id = coalesce(t.merchant_id, a.merchant_id)
    where l.ended_at is null
    order by l.started_at, l.id limit ${LINES_MAX}`.execute(db);
  return rows;
}
