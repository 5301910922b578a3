import { type Kysely, sql } from "kysely";

/** Whom a trunk lets in and how much they may spend, who is barred, and how often calls were refused. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // A trunk that nobody has thought about yet is a careful one (docs/decisions/0013).
  `alter table trunks
    add column hidden_callers text not null default 'refuse' check (hidden_callers in ('accept', 'refuse')),
    add column unknown_callers text not null default 'refuse' check (unknown_callers in ('accept', 'refuse')),
    add column foreign_callers text not null default 'refuse' check (foreign_callers in ('accept', 'refuse')),
    add column home_codes text[] not null default '{41}'
      check (array_to_string(home_codes, ',') ~ '^[1-9][0-9]{0,2}(,[1-9][0-9]{0,2})*$'),
    add column caller_day_max integer default 40000 check (caller_day_max >= 0),
    add column caller_month_max integer default 100000 check (caller_month_max >= 0),
    add column caller_year_max integer default 500000 check (caller_year_max >= 0),
    add column caller_calls_per_day_max integer default 30 check (caller_calls_per_day_max >= 0)`,
  // Testers call the demo from telephones without a number, and nobody bills them.
  `update trunks set unknown_callers = 'accept', caller_day_max = null, caller_month_max = null,
    caller_year_max = null, caller_calls_per_day_max = null where name = 'demo'`,

  `create table barred_callers (
    caller_hash bytea primary key check (length(caller_hash) = 32),
    number_hint text not null check (number_hint ~ '^[0-9]{2}$'),
    reason text not null check (length(reason) between 1 and 200),
    barred_by text not null check (length(barred_by) between 1 and 100),
    since timestamptz not null default clock_timestamp(),
    until timestamptz check (until > since)
  )`,

  // One row for each number, reason and Swiss day, never one for each call: a flood can't fill the disk. Numbers that
  // aren't ours share one row, or whoever dials them all would.
  `create table call_refusals (
    day date not null,
    number text not null check (number = '' or number ~ '^090[016][0-9]{6}$'),
    reason text not null check (length(reason) between 1 and 40),
    calls integer not null default 1 check (calls >= 1),
    primary key (day, number, reason)
  )`,

  `create index legs_of_caller on call_legs (caller_hash, started_at) where caller_hash is not null`,
  `create index legs_with_wrong_codes on call_legs (number, started_at) where wrong_codes > 0`,
];
