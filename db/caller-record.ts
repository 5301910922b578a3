import { sql } from "kysely";
import type { CallerSpending } from "../core/caller-limits.ts";
import { CALLER_LOCK_OUT, NUMBER_GUARD, UNKNOWN_LOCK_OUT, type WrongCodes } from "../core/lock-outs.ts";
import { TEST_TRUNK } from "../core/played-call.ts";
import type { Db, DbTransaction } from "./database.ts";
import { startOfSwiss } from "./swiss-time.ts";

/** What the books know of a caller when a call comes in. */
export interface CallerRecord {
  /** A server has served this very call before. */
  readonly callIsKnown: boolean;
  readonly barred: boolean;
  readonly spent: CallerSpending;
  readonly wrong: WrongCodes;
}

/**
 * All about a caller in one question. A call counts to the day, month and year in which it began, by Swiss time and the
 * database's clock; a purchase under way counts whole, so that two calls at once can't both have the rest of a limit.
 * Without a hash there is nothing to know of the caller, only of the number.
 */
export async function readCallerRecord(
  db: Db | DbTransaction,
  call: {
    readonly uniqueid: string;
    readonly number: string;
    readonly trunk: string;
    readonly callerHash: Buffer | null;
  },
): Promise<CallerRecord> {
  const { rows } = await sql<RecordRow>`
    with spent as (
      select coalesce(sum(cost) filter (where started_at >= ${startOfSwiss("day")}), 0) as day,
             coalesce(sum(cost) filter (where started_at >= ${startOfSwiss("month")}), 0) as month,
             coalesce(sum(cost), 0) as year,
             count(*) filter (where started_at >= ${startOfSwiss("day")} and answered_at is not null) as calls
      from (
        select l.started_at, l.answered_at, l.billed + coalesce(greatest(t.total - t.billed, 0), 0) as cost
        from call_legs l left join transactions t on t.id = l.transaction_id and l.ended_at is null
        where l.caller_hash = ${call.callerHash} and l.trunk = ${call.trunk} and l.uniqueid <> ${call.uniqueid}
          and l.started_at >= ${startOfSwiss("year")}
      ) as calls
    ), wrong as (
      select coalesce(sum(wrong_codes), 0) as codes from call_legs
      where number = ${call.number} and wrong_codes > 0 and trunk <> ${TEST_TRUNK}
        and started_at > ${ago(NUMBER_GUARD.seconds)}
    )
    select exists (select from call_legs where uniqueid = ${call.uniqueid}) as "callIsKnown",
           exists (select from barred_callers where caller_hash = ${call.callerHash}
                   and (until is null or until > now())) as barred,
           spent.day, spent.month, spent.year, spent.calls,
           (select coalesce(sum(wrong_codes), 0) from call_legs
            where caller_hash = ${call.callerHash} and trunk <> ${TEST_TRUNK} and started_at > ${ago(CALLER_LOCK_OUT.seconds)}) as "byCaller",
           (select coalesce(sum(wrong_codes), 0) from call_legs
            where number = ${call.number} and wrong_codes > 0 and trunk <> ${TEST_TRUNK} and caller_hash is null
              and started_at > ${ago(UNKNOWN_LOCK_OUT.seconds)}) as "byUnknown",
           wrong.codes as "onNumber",
           case when wrong.codes >= ${NUMBER_GUARD.wrongCodesMax} then
             (select count(*) from call_legs
              where number = ${call.number} and claimed_at is not null and trunk <> ${TEST_TRUNK}
                and started_at > ${ago(NUMBER_GUARD.seconds)})
           else 0 end as "rightOnNumber"
    from spent, wrong`.execute(db);
  const row = rows[0];
  if (!row) throw new Error("the database said nothing about a caller");
  const { callIsKnown, barred, byCaller, byUnknown, onNumber, rightOnNumber } = row;
  return {
    callIsKnown,
    barred,
    spent: {
      dayRappen: Number(row.day),
      monthRappen: Number(row.month),
      yearRappen: Number(row.year),
      callsToday: row.calls,
    },
    wrong: call.trunk === TEST_TRUNK ? NO_WRONG_CODES : { byCaller, byUnknown, onNumber, rightOnNumber },
  };
}

/** Played calls and real ones lock each other out of nothing. */
const NO_WRONG_CODES: WrongCodes = { byCaller: 0, byUnknown: 0, onNumber: 0, rightOnNumber: 0 };

/** A sum of sums is of PostgreSQL's type numeric, which the driver gives as text. */
interface RecordRow extends WrongCodes {
  readonly callIsKnown: boolean;
  readonly barred: boolean;
  readonly day: number | string;
  readonly month: number | string;
  readonly year: number | string;
  readonly calls: number;
}

function ago(seconds: number) {
  return sql<Date>`now() - make_interval(secs => ${seconds})`;
}
