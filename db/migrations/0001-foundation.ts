import { type Kysely, sql } from "kysely";

/**
 * The tables of one payment. Core asserts each rule once, and here it stands a second time as a constraint, so that no
 * path of code, however wrong, can write money that isn't there.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create table merchants (
    id bigint generated always as identity primary key,
    merchant_number text not null unique check (merchant_number ~ '^[0-9]{6}$'),
    name text not null check (length(name) between 1 and 100),
    address text not null check (length(address) <= 200),
    contact text not null check (length(contact) between 3 and 200),
    return_origins text[] not null default '{}',
    auto_confirm_seconds integer not null default 180 check (auto_confirm_seconds between 0 and 86400),
    code_seconds integer not null default 180 check (code_seconds between 30 and 900),
    created_at timestamptz not null default now()
  )`,

  `create table users (
    id bigint generated always as identity primary key,
    merchant_id bigint references merchants,
    login text not null check (length(login) between 1 and 100),
    password_hash text not null,
    created_at timestamptz not null default now(),
    unique nulls not distinct (merchant_id, login)
  )`,

  `create table api_keys (
    id bigint generated always as identity primary key,
    merchant_id bigint not null references merchants,
    test boolean not null,
    name text not null check (length(name) between 1 and 100),
    key_hash bytea not null unique check (length(key_hash) = 32),
    key_hint text not null check (length(key_hint) between 4 and 20),
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    revoked_at timestamptz
  )`,

  `create table tariffs (
    id bigint generated always as identity primary key,
    name text not null check (length(name) between 1 and 100),
    segments jsonb not null check (jsonb_typeof(segments) = 'array' and jsonb_array_length(segments) between 1 and 10),
    created_at timestamptz not null default now()
  )`,
  // A tariff that changed would change what past calls cost: a new price is a new row.
  `create function refuse_change() returns trigger language plpgsql as $$
    begin raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation'; end $$`,
  `create trigger tariffs_never_change before update or delete on tariffs for each row execute function refuse_change()`,

  `create table smart_numbers (
    number text primary key check (number ~ '^090[016][0-9]{6}$'),
    tariff_id bigint not null references tariffs,
    code_before_answer boolean not null default false,
    language text not null default 'fr' check (language in ('fr', 'de', 'it', 'en')),
    in_service boolean not null default true
  )`,
  `create table number_allocations (
    id bigint generated always as identity primary key,
    number text not null references smart_numbers,
    merchant_id bigint not null references merchants,
    allocated_at timestamptz not null default now(),
    withdrawn_at timestamptz check (withdrawn_at >= allocated_at)
  )`,
  `create unique index number_belongs_to_one_merchant on number_allocations (number) where withdrawn_at is null`,
  `create index allocations_of_merchant on number_allocations (merchant_id) where withdrawn_at is null`,

  `create table transactions (
    id uuid primary key,
    merchant_id bigint not null references merchants,
    test boolean not null,
    status text not null check (status in ('open', 'calling', 'paid', 'confirmed', 'redeemed', 'expired', 'cancelled')),
    exception text not null default 'none' check (exception in ('none', 'underpaid', 'paid_late', 'overpaid')),
    amount integer not null check (amount between 1 and 40000),
    total integer not null check (total >= amount),
    billed integer not null default 0 check (billed >= 0),
    currency text not null check (currency = 'CHF'),
    number text not null references smart_numbers,
    tariff_id bigint not null references tariffs,
    description text not null check (length(description) between 1 and 200),
    items jsonb not null default '[]' check (jsonb_typeof(items) = 'array'),
    reference text check (length(reference) between 1 and 100),
    return_url text not null check (return_url ~ '^https?://' and length(return_url) <= 2000),
    cancel_url text check (cancel_url ~ '^https?://' and length(cancel_url) <= 2000),
    language text check (language in ('fr', 'de', 'it', 'en')),
    access_days integer not null default 0 check (access_days between 0 and 31),
    metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
    auto_confirm_seconds integer not null check (auto_confirm_seconds between 0 and 86400),
    expected_seconds integer not null check (expected_seconds between 0 and 3600),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    resumable_until timestamptz not null check (resumable_until >= expires_at),
    expired_at timestamptz,
    paid_at timestamptz,
    confirmed_at timestamptz,
    redeemed_at timestamptz,
    redeemed_by text check (length(redeemed_by) <= 200),
    cancelled_at timestamptz,
    check ((status in ('paid', 'confirmed', 'redeemed')) = (paid_at is not null)),
    check (status not in ('paid', 'confirmed', 'redeemed') or billed >= total),
    check ((status in ('confirmed', 'redeemed')) = (confirmed_at is not null)),
    check ((status = 'redeemed') = (redeemed_at is not null and redeemed_by is not null)),
    check ((status = 'cancelled') = (cancelled_at is not null)),
    check (status <> 'expired' or expired_at is not null),
    check (exception <> 'paid_late' or paid_at is not null)
  )`,
  `create index transactions_of_merchant on transactions (merchant_id, test, created_at desc, id desc)`,
  `create index transactions_by_reference on transactions (merchant_id, test, reference) where reference is not null`,
  `create unique index open_reference_is_unique on transactions (merchant_id, test, reference)
    where reference is not null and status in ('open', 'calling')`,
  `create index transactions_to_expire on transactions (expires_at) where status = 'open'`,
  `create index transactions_to_confirm on transactions (paid_at) where status = 'paid'`,

  `create table call_legs (
    id bigint generated always as identity primary key,
    uniqueid text not null unique check (length(uniqueid) between 1 and 150),
    number text not null references smart_numbers,
    tariff_id bigint not null references tariffs,
    transaction_id uuid references transactions,
    caller text check (length(caller) <= 40),
    caller_hash bytea,
    billed integer not null default 0 check (billed between 0 and 40000),
    owner text not null check (length(owner) between 1 and 100),
    epoch integer not null default 1 check (epoch >= 1),
    lease_until timestamptz not null,
    started_at timestamptz not null default clock_timestamp(),
    answered_at timestamptz,
    claimed_at timestamptz,
    ended_at timestamptz,
    duration_ms integer check (duration_ms >= 0),
    end_reason text check (length(end_reason) between 1 and 40),
    wrong_codes integer not null default 0 check (wrong_codes between 0 and 100),
    check ((ended_at is null) = (end_reason is null)),
    check ((transaction_id is null) = (claimed_at is null)),
    check (billed = 0 or answered_at is not null)
  )`,
  `create unique index one_call_at_a_time_pays on call_legs (transaction_id) where ended_at is null and transaction_id is not null`,
  `create index legs_of_transaction on call_legs (transaction_id, id) where transaction_id is not null`,
  `create index legs_under_way on call_legs (lease_until) where ended_at is null`,

  `create table codes (
    id bigint generated always as identity primary key,
    number text not null references smart_numbers,
    code text not null check (code ~ '^[0-9]{4}$'),
    transaction_id uuid not null references transactions,
    issued_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null check (expires_at > issued_at),
    claimed_by bigint references call_legs,
    retired_at timestamptz
  )`,
  // Two codes differ in one digit only if they are equal without it: four unique indexes, each leaving one digit out,
  // keep all live codes of a number at least two digits apart, whoever inserts them and however many at once.
  ...["2, 3, 4", "1, 3, 4", "1, 2, 4", "1, 2, 3"].map((kept, place) => {
    const digits = kept.split(", ").map((digit) => `substr(code, ${digit}, 1)`);
    return `create unique index codes_differ_beyond_digit_${place + 1} on codes (number, (${digits.join(" || ")})) where retired_at is null`;
  }),
  `create unique index one_live_code_for_transaction on codes (transaction_id) where retired_at is null and claimed_by is null`,
  `create index codes_by_transaction on codes (transaction_id, id)`,
  `create index codes_by_expiry on codes (number, expires_at)`,

  `create table pulses (
    call_leg_id bigint not null references call_legs,
    sequence integer not null check (sequence between 1 and 3600),
    amount integer not null check (amount > 0),
    epoch integer not null,
    booked_at timestamptz not null default clock_timestamp(),
    primary key (call_leg_id, sequence)
  )`,
  `create trigger pulses_never_change before update or delete on pulses for each row execute function refuse_change()`,

  `create table journal (
    id bigint generated always as identity primary key,
    transaction_id uuid not null references transactions,
    at timestamptz not null default clock_timestamp(),
    event text not null check (length(event) between 1 and 60),
    data jsonb not null default '{}'
  )`,
  `create index journal_of_transaction on journal (transaction_id, id)`,
  `create trigger journal_never_changes before update or delete on journal for each row execute function refuse_change()`,
];
