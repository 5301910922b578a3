import { sql } from "kysely";
import type { DriftKind, LegOfCall, RecordOfCall } from "../core/call-drift.ts";
import { TEST_TRUNK } from "../core/played-call.ts";
import type { Db } from "./database.ts";

/** Calls that ended from `since` on and before `until`. */
export interface Period {
  readonly since: Date;
  readonly until: Date;
}

/** Where the next page begins. */
export interface PageEnd {
  readonly endedAtUs: number;
  readonly id: number;
}

export interface ComparedRow {
  readonly uniqueid: string;
  /** Null for a record of a call that was for none of our numbers. */
  readonly number: string | null;
  /** Of the leg or, without one, of the number at that time; null when neither is known. */
  readonly tariffId: number | null;
  readonly leg: LegOfCall | null;
  readonly record: RecordOfCall | null;
  readonly end: PageEnd;
}

/**
 * Legs that ended in the period, each with its record; all records of one uniqueid together are one call's. Played calls
 * are left out: no Asterisk had them.
 */
export async function legsWithRecords(
  db: Db,
  page: Period & { readonly after: PageEnd | null; readonly limit: number },
): Promise<readonly ComparedRow[]> {
  const { rows } = await sql<LegRow>`
    select l.id, l.uniqueid, l.number, l.tariff_id as "tariffId", l.billed, l.counts_after_ms as "countsAfterMs", l.duration_ms as "talkMs",
      ${milliseconds("l.answered_at")} as "answeredAtMs", ${milliseconds("l.ended_at")} as "endedAtMs",
      ${microseconds("l.ended_at")} as "endedAtUs",
      r."answeredAtMs" as "recordAnsweredAtMs", r."endedAtMs" as "recordEndedAtMs", r."talkMs" as "recordTalkMs"
    from call_legs l
    left join lateral (
      select ${milliseconds("min(answered_at)")} as "answeredAtMs", ${milliseconds("max(ended_at)")} as "endedAtMs",
        sum(talk_ms)::float8 as "talkMs"
      from call_records where uniqueid = l.uniqueid
    ) r on true
    where l.ended_at >= ${page.since} and l.ended_at < ${page.until} and l.trunk <> ${TEST_TRUNK} and ${after(page.after, "l.ended_at", "l.id")}
    order by l.ended_at, l.id limit ${page.limit}`.execute(db);
  return rows.map((row) => ({
    uniqueid: row.uniqueid,
    number: row.number,
    tariffId: row.tariffId,
    leg: {
      answeredAtMs: row.answeredAtMs,
      endedAtMs: row.endedAtMs,
      talkMs: row.talkMs,
      billedRappen: row.billed,
      countsAfterMs: row.countsAfterMs,
    },
    record:
      row.recordEndedAtMs === null
        ? null
        : {
            answeredAtMs: row.recordAnsweredAtMs,
            endedAtMs: row.recordEndedAtMs,
            talkMs: row.recordTalkMs ?? 0,
          },
    end: { endedAtUs: row.endedAtUs, id: row.id },
  }));
}

/** Records of answered calls of which we have no leg. Refused and unanswered calls have none, and need none. */
export async function answeredRecordsWithoutLeg(
  db: Db,
  page: Period & { readonly after: PageEnd | null; readonly limit: number },
): Promise<readonly ComparedRow[]> {
  const { rows } = await sql<RecordRow>`
    select r.id, r.uniqueid, r.number, v.tariff_id as "tariffId", r.talk_ms::float8 as "talkMs",
      ${milliseconds("r.answered_at")} as "answeredAtMs", ${milliseconds("r.ended_at")} as "endedAtMs",
      ${microseconds("r.ended_at")} as "endedAtUs"
    from call_records r
    left join lateral (
      select tariff_id from number_tariffs
      where number = r.number and valid_from <= r.started_at order by valid_from desc limit 1
    ) v on true
    where r.ended_at >= ${page.since} and r.ended_at < ${page.until} and ${after(page.after, "r.ended_at", "r.id")}
      and r.answered_at is not null and not exists (select from call_legs l where l.uniqueid = r.uniqueid)
    order by r.ended_at, r.id limit ${page.limit}`.execute(db);
  return rows.map((row) => ({
    uniqueid: row.uniqueid,
    number: row.number,
    tariffId: row.tariffId,
    leg: null,
    record: { answeredAtMs: row.answeredAtMs, endedAtMs: row.endedAtMs, talkMs: row.talkMs },
    end: { endedAtUs: row.endedAtUs, id: row.id },
  }));
}

/** Notes what was found, and answers those of it that nobody had noted before, by their uniqueids. */
export async function noteDrifts(
  db: Db,
  found: readonly { readonly uniqueid: string; readonly kind: Exclude<DriftKind, "match"> }[],
): Promise<ReadonlySet<string>> {
  if (found.length === 0) return new Set();
  const rows = await db
    .insertInto("call_drifts")
    .values(found.map(({ uniqueid, kind }) => ({ uniqueid, kind })))
    .onConflict((conflict) => conflict.doNothing())
    .returning("uniqueid")
    .execute();
  return new Set(rows.map((row) => row.uniqueid));
}

interface LegRow {
  readonly id: number;
  readonly uniqueid: string;
  readonly number: string;
  readonly tariffId: number;
  readonly billed: number;
  readonly countsAfterMs: number;
  readonly talkMs: number | null;
  readonly answeredAtMs: number | null;
  readonly endedAtMs: number;
  readonly endedAtUs: number;
  readonly recordAnsweredAtMs: number | null;
  readonly recordEndedAtMs: number | null;
  readonly recordTalkMs: number | null;
}

interface RecordRow {
  readonly id: number;
  readonly uniqueid: string;
  readonly number: string | null;
  readonly tariffId: number | null;
  readonly talkMs: number;
  readonly answeredAtMs: number;
  readonly endedAtMs: number;
  readonly endedAtUs: number;
}

const milliseconds = (moment: string) => sql.raw<number>(`(extract(epoch from ${moment}) * 1000)::float8`);
const microseconds = (moment: string) => sql.raw<number>(`(extract(epoch from ${moment}) * 1000000)::bigint`);

function after(end: PageEnd | null, moment: string, id: string) {
  if (end === null) return sql<boolean>`true`;
  const at = sql`timestamptz 'epoch' + ${end.endedAtUs}::bigint * interval '1 microsecond'`;
  return sql<boolean>`(${sql.raw(moment)}, ${sql.raw(id)}) > (${at}, ${end.id}::bigint)`;
}
