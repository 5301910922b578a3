import { type Kysely, sql } from "kysely";

/**
 * Trunks with their carriers' ways of counting, numbers that are in service only under rules they were checked
 * against, and tariffs by date: a price that changes never changes a past call.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Both guards together leave room in the shortest interval there is, a second.
  `create table trunks (
    name text primary key check (name ~ '^[a-z0-9-]{1,40}$'),
    billed boolean not null,
    duration_rounding text not null default 'up' check (duration_rounding in ('up', 'half_up', 'down')),
    guard_after_pulse_ms integer not null default 600 check (guard_after_pulse_ms between 0 and 5000),
    guard_before_pulse_ms integer not null default 250 check (guard_before_pulse_ms between 0 and 5000),
    total_rounding integer not null default 10 check (total_rounding in (1, 5, 10)),
    check (guard_after_pulse_ms + guard_before_pulse_ms < 1000)
  )`,
  // The two that asterisk-config/extensions.conf names. Calls of the second are billed by nobody.
  `insert into trunks (name, billed) values ('carrier', true), ('demo', false)`,

  `alter table smart_numbers
    add column country text not null default 'CH' check (country ~ '^[A-Z]{2}$'),
    add column trunk text not null default 'carrier' references trunks,
    add column early_media boolean not null default true,
    add column language_menu boolean not null default false,
    add column rules_on date`,
  // Numbers that are in service already went there under the rules of the pulse era.
  `update smart_numbers set rules_on = date '2004-01-01' where in_service`,
  `alter table smart_numbers
    add constraint in_service_only_under_rules check (not in_service or rules_on is not null),
    add constraint code_before_answer_needs_early_media check (early_media or not code_before_answer),
    alter column in_service set default false`,

  `create table number_tariffs (
    number text not null references smart_numbers,
    tariff_id bigint not null references tariffs,
    valid_from timestamptz not null default now(),
    primary key (number, valid_from)
  )`,
  `insert into number_tariffs (number, tariff_id, valid_from)
    select n.number, n.tariff_id, t.created_at from smart_numbers n join tariffs t on t.id = n.tariff_id`,
  `alter table smart_numbers drop column tariff_id`,
  // What has been in force stays as it was; a change that lies ahead can still be taken back.
  `create function refuse_change_of_the_past() returns trigger language plpgsql as $$
    begin
      if tg_op = 'UPDATE' or old.valid_from <= now() then
        raise exception '% has been in force', tg_table_name using errcode = 'restrict_violation';
      end if;
      return old;
    end $$`,
  `create trigger tariffs_in_force_never_change before update or delete on number_tariffs
    for each row execute function refuse_change_of_the_past()`,

  `alter table call_legs
    add column trunk text not null default 'carrier' references trunks,
    add column counts_after_ms integer not null default 0 check (counts_after_ms between 0 and 1000)`,
  `alter table call_legs alter column trunk drop default`,
];
