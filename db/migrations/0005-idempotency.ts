import { type Kysely, sql } from "kysely";

/** Answers that were given to requests with an Idempotency-Key, for the repetition of them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `create table idempotent_answers (
    merchant_id bigint not null references merchants,
    test boolean not null,
    operation text not null check (length(operation) between 1 and 300),
    key text not null check (length(key) between 1 and 255),
    fingerprint bytea not null check (length(fingerprint) = 32),
    status integer not null check (status between 200 and 299),
    body text not null,
    created_at timestamptz not null default now(),
    primary key (merchant_id, test, operation, key)
  )`,
  `create index idempotent_answers_by_age on idempotent_answers (created_at)`,
];
