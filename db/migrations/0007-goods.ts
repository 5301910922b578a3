import { type Kysely, sql } from "kysely";

/** Donations whose giver chooses the amount, passes with an access code, and renewals of passes (docs/decisions/0020). */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/** A pass's days are of 24 hours: «+ interval '1 day'» would follow the session's time zone. */
const END_OF_PASS = "greatest(p.paid_at, p.access_after) + make_interval(hours => 24 * p.access_days)";

const STATEMENTS = [
  `alter table transactions
    add column donation_minimum integer,
    add column donation_maximum integer,
    add column donation_suggestions integer[] not null default '{}',
    add column amount_chosen_at timestamptz,
    add column access_code text,
    add column renews uuid references transactions,
    add column access_after timestamptz,
    add constraint donation_has_both_limits check ((donation_minimum is null) = (donation_maximum is null)),
    add constraint donation_limits_are_amounts check (donation_minimum >= 1 and donation_maximum between donation_minimum and 40000),
    add constraint donation_stays_within_limits check (amount between donation_minimum and donation_maximum),
    add constraint donation_suggests_what_it_takes check (
      cardinality(donation_suggestions) <= 6 and array_position(donation_suggestions, null) is null
      and donation_minimum <= all (donation_suggestions) and donation_maximum >= all (donation_suggestions)),
    add constraint only_donations_suggest check (donation_minimum is not null or cardinality(donation_suggestions) = 0),
    add constraint only_donations_are_chosen check (donation_minimum is not null or amount_chosen_at is null),
    add constraint donation_is_chosen_before_it_is_billed check (
      donation_minimum is null or amount_chosen_at is not null or (billed = 0 and status in ('open', 'expired', 'cancelled'))),
    add constraint donation_is_no_basket check (donation_minimum is null or items = '[]')`,
  // Passes from before get their codes here: the first twelve hex digits of a random uuid are random bits.
  `update transactions set access_code = lpad(((('x' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 12))::bit(48)::bigint)
    % 1000000000000)::text, 12, '0') where access_days > 0`,
  `alter table transactions
    add constraint pass_has_an_access_code check ((access_days > 0) = (access_code is not null) and access_code ~ '^[0-9]{12}$'),
    add constraint renewal_is_a_pass check (renews is null or (access_days > 0 and renews <> id)),
    add constraint renewal_knows_where_it_begins check ((renews is null) = (access_after is null)),
    add constraint access_ends_in_two_months check (
      access_after + make_interval(hours => 24 * access_days) <= created_at + make_interval(hours => 24 * 62))`,
  `create unique index access_code_is_unique on transactions (access_code) where access_code is not null`,
  // Open, paid or expired, a pass has one renewal: two that are paid would fork its chain, and whoever comes second would
  // find out in mid-call. One that was cancelled can never be paid, and so makes room.
  `create unique index pass_is_renewed_once on transactions (renews) where renews is not null and status <> 'cancelled'`,

  `create function check_renewal() returns trigger language plpgsql as $$
    begin
      perform from transactions p
        where p.id = new.renews and p.merchant_id = new.merchant_id and p.test = new.test and p.paid_at is not null
          and p.access_days > 0 and abs(extract(epoch from new.access_after - (${END_OF_PASS}))) < 0.002;
      if not found then
        raise exception 'a renewal begins where a paid pass of its merchant ends' using errcode = 'check_violation';
      end if;
      return new;
    end $$`,
  `create trigger renewal_begins_where_its_pass_ends before insert or update of renews, access_after, access_days, merchant_id, test
    on transactions for each row when (new.renews is not null) execute function check_renewal()`,

  `create function refuse_other_amount() returns trigger language plpgsql as $$
    begin raise exception 'the amount is fixed' using errcode = 'restrict_violation'; end $$`,
  `create trigger only_an_open_donation_changes_its_amount before update of amount on transactions for each row
    when (old.amount <> new.amount and (old.donation_minimum is null or old.billed > 0 or old.status <> 'open'))
    execute function refuse_other_amount()`,
];
