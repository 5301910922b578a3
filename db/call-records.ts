import { sql } from "kysely";
import type { CallRecord } from "../core/call-record.ts";
import type { Db, DbTransaction } from "./database.ts";

/** What was read of a file of records in one go. */
export interface ReadLines {
  /** Names the file, whatever it is called after a rotation. */
  readonly fingerprint: string;
  readonly path: string;
  readonly toBytes: number;
  readonly records: readonly CallRecord[];
  readonly garbageLines: number;
}

/** Writes records, each once however often it comes, and answers how many are new. */
export async function addCallRecords(
  db: Db | DbTransaction,
  records: readonly CallRecord[],
  source: "file" | "ami",
): Promise<number> {
  const { numAffectedRows } = await sql`
    insert into call_records
      (uniqueid, sequence, number, started_at, answered_at, ended_at, duration_ms, talk_ms, disposition, channel, source)
    select r.*, ${source} from unnest(
      ${records.map((record) => record.uniqueid)}::text[],
      ${records.map((record) => record.sequence)}::integer[],
      ${records.map((record) => record.number)}::text[],
      ${records.map((record) => timestamp(record.startedAtUs))}::timestamptz[],
      ${records.map((record) => record.answeredAtUs && timestamp(record.answeredAtUs))}::timestamptz[],
      ${records.map((record) => timestamp(record.endedAtUs))}::timestamptz[],
      ${records.map((record) => record.durationMs)}::numeric[],
      ${records.map((record) => record.talkMs)}::numeric[],
      ${records.map((record) => record.disposition)}::text[],
      ${records.map((record) => record.channel)}::text[]
    ) as r
    on conflict (uniqueid, sequence) do nothing`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** How far a file has been read; 0 for one that is new. */
export async function recordFileOffset(db: Db, fingerprint: string): Promise<number> {
  const row = await db
    .selectFrom("call_record_files")
    .select("offset_bytes")
    .where("fingerprint", "=", fingerprint)
    .executeTakeFirst();
  return row?.offset_bytes ?? 0;
}

/** Writes what was read and how far, both or neither; a record that is there already stays as it is. */
export async function importRecords(db: Db, lines: ReadLines): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`
      insert into call_record_files as f (fingerprint, path, offset_bytes, records, garbage_lines)
      values (${lines.fingerprint}, ${lines.path}, ${lines.toBytes}, ${lines.records.length}, ${lines.garbageLines})
      on conflict (fingerprint) do update
        set path = excluded.path, offset_bytes = excluded.offset_bytes, read_at = clock_timestamp(),
            records = f.records + excluded.records, garbage_lines = f.garbage_lines + excluded.garbage_lines`.execute(
      trx,
    );
    await addCallRecords(trx, lines.records, "file");
  });
}

/** As text, since the driver's own dates end at milliseconds. */
function timestamp(microseconds: number): string {
  const milliseconds = Math.floor(microseconds / 1_000);
  const rest = String(microseconds - milliseconds * 1_000).padStart(3, "0");
  return new Date(milliseconds).toISOString().replace("Z", `${rest}Z`);
}
