import { sql } from "kysely";
import { CALLER_LOCK_OUT } from "../core/lock-outs.ts";
import { TEST_TRUNK } from "../core/played-call.ts";
import type { Db } from "./database.ts";
import { startOfSwiss, swissDay } from "./swiss-time.ts";

/** What was guessed and refused on one number in one Swiss day. */
export interface GuessesOfDay {
  /** ISO date. */
  readonly day: string;
  /** Empty for calls to numbers that aren't ours. */
  readonly number: string;
  readonly wrongCodes: number;
  /** Calls with a wrong code. */
  readonly calls: number;
  /** Callers whose wrong codes of that day alone reach the limit of a lock-out. */
  readonly lockedCallers: number;
  /** Calls refused before answer, by reason. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** Most rows that one list shows. */
const GUESSES_ROWS_MAX = 1_000;

/** The last `days` Swiss days, today among them, the latest first; days on which nothing happened are left out. */
export async function listGuesses(db: Db, days: number): Promise<readonly GuessesOfDay[]> {
  const from = sql<Date>`(${startOfSwiss("day")} - make_interval(days => ${days - 1}))`;
  const { rows } = await sql<GuessesOfDay>`
    with callers as (
      select ${swissDay(sql`started_at`)} as day, number, caller_hash, sum(wrong_codes)::integer as wrong, count(*) as calls
      from call_legs where wrong_codes > 0 and trunk <> ${TEST_TRUNK} and started_at >= ${from}
      group by 1, 2, 3
    ), guesses as (
      select day, number, sum(wrong)::integer as wrong, sum(calls)::integer as calls,
             count(caller_hash) filter (where wrong >= ${CALLER_LOCK_OUT.wrongCodesMax}) as locked
      from callers group by 1, 2
    ), refused as (
      select day, number, jsonb_object_agg(reason, calls) as reasons
      from call_refusals where day >= ${swissDay(from)}
      group by 1, 2
    )
    select to_char(coalesce(g.day, r.day), 'YYYY-MM-DD') as day, coalesce(g.number, r.number) as number,
           coalesce(g.wrong, 0) as "wrongCodes", coalesce(g.calls, 0) as calls, coalesce(g.locked, 0) as "lockedCallers",
           coalesce(r.reasons, '{}') as refusals
    from guesses g full join refused r on r.day = g.day and r.number = g.number
    order by 1 desc, 2 limit ${GUESSES_ROWS_MAX}`.execute(db);
  return rows;
}
