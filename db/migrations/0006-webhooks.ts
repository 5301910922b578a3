import { type Kysely, sql } from "kysely";

/** Where merchants are told what happened, what they are told, and what came of it (docs/decisions/0019). */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // The secret isn't in it: it is derived from the operator's key, the id and the version.
  // A merchant has ten places in each mode, and an endpoint that isn't removed holds one.
  `create table webhook_endpoints (
    id uuid primary key default gen_random_uuid(),
    merchant_id bigint not null references merchants,
    test boolean not null,
    place smallint not null check (place between 1 and 10),
    url text not null check (url ~ '^https?://' and length(url) <= 2000),
    events text[] not null default '{}' check (cardinality(events) <= 20 and array_position(events, null) is null),
    description text check (length(description) between 1 and 200),
    secret_version integer not null default 1 check (secret_version >= 1),
    previous_secret_until timestamptz,
    failing_since timestamptz,
    created_at timestamptz not null default now(),
    disabled_at timestamptz,
    disabled_reason text check (disabled_reason in ('gone', 'failing', 'merchant')),
    removed_at timestamptz,
    unique (id, merchant_id, test),
    check (previous_secret_until is null or secret_version > 1),
    check ((disabled_at is null) = (disabled_reason is null)),
    check (removed_at is null or disabled_at is not null)
  )`,
  `create unique index endpoints_have_places on webhook_endpoints (merchant_id, test, place) where removed_at is null`,
  `create index endpoints_that_listen on webhook_endpoints (merchant_id, test) where disabled_at is null`,

  // What is sent is what was written then: json keeps it letter by letter, where jsonb would sort its fields anew.
  `create table webhook_events (
    sequence bigint generated always as identity primary key,
    merchant_id bigint not null references merchants,
    test boolean not null,
    type text not null check (type ~ '^[a-z]+\\.[a-z_]+$' and length(type) <= 60),
    transaction_id uuid references transactions,
    tariff_id bigint references tariffs,
    data json not null check (json_typeof(data) = 'object'),
    created_at timestamptz not null default clock_timestamp(),
    unique (sequence, merchant_id, test),
    check ((transaction_id is null) = (tariff_id is null)),
    check ((transaction_id is not null) = (type like 'transaction.%'))
  )`,
  `create index events_by_age on webhook_events (created_at)`,
  `create index pulsed_events on webhook_events (transaction_id, created_at) where type = 'transaction.pulsed'`,

  // Merchant and mode stand in it so that no event can reach another's endpoint, or the other mode's.
  `create table webhook_deliveries (
    id bigint generated always as identity primary key,
    event_sequence bigint not null,
    endpoint_id uuid not null,
    merchant_id bigint not null,
    test boolean not null,
    status text not null default 'pending' check (status in ('pending', 'delivered', 'failed', 'dropped')),
    attempts integer not null default 0 check (attempts >= 0),
    step smallint not null default 0 check (step between 0 and 9),
    claim integer not null default 0 check (claim >= 0),
    next_attempt_at timestamptz default clock_timestamp(),
    settled_at timestamptz,
    unique (event_sequence, endpoint_id),
    foreign key (event_sequence, merchant_id, test) references webhook_events (sequence, merchant_id, test) on delete cascade,
    foreign key (endpoint_id, merchant_id, test) references webhook_endpoints (id, merchant_id, test),
    check ((status = 'pending') = (next_attempt_at is not null)),
    check ((status = 'pending') = (settled_at is null)),
    check (status <> 'delivered' or attempts > 0)
  )`,
  `create index deliveries_waiting on webhook_deliveries (endpoint_id, next_attempt_at) where status = 'pending'`,
  `create index deliveries_of_endpoint on webhook_deliveries (endpoint_id, id desc)`,

  `create table webhook_attempts (
    delivery_id bigint not null references webhook_deliveries on delete cascade,
    number integer not null check (number >= 1),
    at timestamptz not null,
    duration_ms integer not null check (duration_ms >= 0),
    status smallint check (status between 100 and 999),
    error text check (length(error) between 1 and 40),
    answer text not null default '' check (length(answer) <= 1000),
    primary key (delivery_id, number),
    check (status is not null or error is not null)
  )`,
];
