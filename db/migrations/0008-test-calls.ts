import { type Kysely, sql } from "kysely";

/** Calls that the system plays itself for test transactions, and what keeps them and real money apart (docs/decisions/0021). */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const PLAYED = `'^played-[0-9]+-[0-9]+$'`;

const STATEMENTS = [
  `insert into trunks (name, billed, unknown_callers, caller_day_max, caller_month_max, caller_year_max, caller_calls_per_day_max)
    values ('test', false, 'accept', null, null, null, null)`,
  `alter table trunks add constraint test_calls_are_billed_by_nobody check (name <> 'test' or not billed)`,
  `alter table smart_numbers add constraint numbers_have_a_real_trunk check (trunk <> 'test')`,
  // A real call can't come in on the trunk of played ones, nor a played one on another.
  `alter table call_legs add constraint played_calls_have_their_trunk check ((trunk = 'test') = (uniqueid ~ ${PLAYED}))`,

  `create function refuse_mixed_modes() returns trigger language plpgsql as $$
    begin
      if exists (
        select from transactions t, trunks k
        where t.id = new.transaction_id and k.name = new.trunk and (case when t.test then k.billed else k.name = 'test' end)
      ) then
        raise exception 'a call on trunk % pays no transaction of this mode', new.trunk using errcode = 'check_violation';
      end if;
      return new;
    end $$`,
  `create trigger modes_never_mix before insert or update of transaction_id, trunk on call_legs
    for each row when (new.transaction_id is not null) execute function refuse_mixed_modes()`,
  `create function refuse_change_of_mode() returns trigger language plpgsql as $$
    begin raise exception 'a transaction keeps its mode' using errcode = 'restrict_violation'; end $$`,
  `create trigger transactions_keep_their_mode before update of test on transactions
    for each row when (old.test <> new.test) execute function refuse_change_of_mode()`,

  `create table test_plays (
    id bigint generated always as identity primary key,
    transaction_id uuid not null references transactions,
    play text not null check (length(play) between 1 and 20),
    started_at timestamptz not null default clock_timestamp(),
    lease_until timestamptz not null,
    ended_at timestamptz check (ended_at >= started_at)
  )`,
  `create index plays_of_transaction on test_plays (transaction_id, id)`,
  `create unique index one_play_at_a_time on test_plays (transaction_id) where ended_at is null`,
  `create function refuse_live_plays() returns trigger language plpgsql as $$
    begin
      if exists (select from transactions where id = new.transaction_id and not test) then
        raise exception 'a live transaction is no play' using errcode = 'check_violation';
      end if;
      return new;
    end $$`,
  `create trigger only_tests_are_played before insert or update of transaction_id on test_plays
    for each row execute function refuse_live_plays()`,
];
