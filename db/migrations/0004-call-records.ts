import { type Kysely, sql } from "kysely";

/** Asterisk's own records of calls, against which every call leg is compared (docs/decisions/0009). */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // No caller stands in it: the leg has one where there is one, for as long as it may be kept.
  `create table call_records (
    id bigint generated always as identity primary key,
    uniqueid text not null check (length(uniqueid) between 1 and 150),
    sequence integer not null check (sequence >= 0),
    number text check (number ~ '^[+0-9]{1,20}$'),
    started_at timestamptz not null,
    answered_at timestamptz check (answered_at between started_at and ended_at),
    ended_at timestamptz not null check (ended_at >= started_at),
    duration_ms numeric(14, 3) not null check (duration_ms >= 0),
    talk_ms numeric(14, 3) not null check (talk_ms between 0 and duration_ms),
    disposition text not null check (length(disposition) between 1 and 40),
    channel text not null check (length(channel) between 1 and 150),
    source text not null check (source in ('file', 'ami')),
    received_at timestamptz not null default clock_timestamp(),
    unique (uniqueid, sequence),
    check (answered_at is not null or talk_ms = 0)
  )`,
  `create index call_records_by_end on call_records (ended_at, id)`,
  `create trigger call_records_never_change before update or delete on call_records for each row execute function refuse_change()`,

  // A file is known by its first record, whatever its name is after a rotation.
  `create table call_record_files (
    fingerprint text primary key check (fingerprint ~ '^[0-9a-f]{64}$'),
    path text not null check (length(path) between 1 and 1000),
    offset_bytes bigint not null check (offset_bytes >= 0),
    records bigint not null default 0 check (records >= 0),
    garbage_lines bigint not null default 0 check (garbage_lines >= 0),
    read_at timestamptz not null default clock_timestamp()
  )`,

  // What has been told of a call is told once, however many processes compare, and however often.
  `create table call_drifts (
    uniqueid text not null check (length(uniqueid) between 1 and 150),
    kind text not null check (kind in ('drift', 'record_missing', 'leg_missing')),
    found_at timestamptz not null default clock_timestamp(),
    primary key (uniqueid, kind)
  )`,
  `create trigger call_drifts_never_change before update or delete on call_drifts for each row execute function refuse_change()`,

  `create index legs_by_end on call_legs (ended_at, id) where ended_at is not null`,
];
