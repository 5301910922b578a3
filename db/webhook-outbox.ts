import { type RawBuilder, sql } from "kysely";
import type { Transaction } from "../core/transaction.ts";
import { snapshotOf } from "../core/transaction-snapshot.ts";
import type { Change, TransactionEvent } from "../core/transitions.ts";
import type { WebhookEvent } from "../core/webhook-event.ts";
import type { DbTransaction } from "./database.ts";

/** A transaction's pulses are told at most once in so long, to those who asked for them. */
export const PULSED_EVERY_SECONDS = 5;

/** Of a row of `transactions`: whether an endpoint of its merchant and mode listens, to whatever. */
export const isListenedTo = sql<boolean>`exists (
  select from webhook_endpoints w
  where w.merchant_id = transactions.merchant_id and w.test = transactions.test and w.disabled_at is null
)`;

/**
 * Writes a transaction's journal line and, where an endpoint of its merchant listens, the event and its deliveries: in
 * one statement, in the database transaction of the change. So an event is there if and only if the change is. Where nobody
 * listens (`told` is false) a plain line is all: PostgreSQL would take longer to plan the rest than to write it.
 */
export async function writeJournal(
  trx: DbTransaction,
  transaction: Transaction,
  line: {
    readonly event: TransactionEvent;
    readonly data: NonNullable<Change["data"]>;
    readonly told: boolean;
  },
): Promise<void> {
  const { event, data, told } = line;
  const insert = sql`
    insert into journal (transaction_id, event, data) values (${transaction.id}, ${event}, ${JSON.stringify(data)})`;
  await (told ? sql`with line as (${insert}), ${deliveriesOf(transaction, event)}` : insert).execute(trx);
}

/** Tells those who asked for it how much is billed by now. */
export async function tellPulses(trx: DbTransaction, transactions: readonly Transaction[]): Promise<void> {
  for (const transaction of transactions)
    await sql`with ${deliveriesOf(transaction, "transaction.pulsed")}`.execute(trx);
}

/**
 * What a statement that opens transactions has to have among its «with», beside `opened` (their new rows), to tell of
 * them: the same as above, for many at once.
 */
export function openedDeliveries(transactions: readonly Transaction[]) {
  const snapshots = transactions.map((transaction) => ({ id: transaction.id, data: undatedSnapshot(transaction) }));
  return sql`listening as (
    select o.id as transaction_id, w.id from opened o
    join webhook_endpoints w on w.merchant_id = o.merchant_id and w.test = o.test and w.disabled_at is null
    where 'transaction.created' = any(w.events) or w.events = '{}'
  ), written as (
    insert into webhook_events (merchant_id, test, type, transaction_id, tariff_id, data)
    select o.merchant_id, o.test, 'transaction.created', o.id, o.tariff_id, ${dated(sql`s.data`)}::json
    from opened o join json_to_recordset(${JSON.stringify(snapshots)}) as s (id uuid, data text) using (id)
    where exists (select from listening where transaction_id = o.id)
    returning sequence, merchant_id, test, transaction_id
  ), sent as (
    insert into webhook_deliveries (event_sequence, endpoint_id, merchant_id, test)
    select w.sequence, l.id, w.merchant_id, w.test from written w join listening l using (transaction_id)
  )`;
}

/** The moments of a row that isn't written yet are the database's to say. */
const OPENING_MOMENTS = { createdAt: "created_at", expiresAt: "expires_at", resumableUntil: "resumable_until" };

function undatedSnapshot(transaction: Transaction): string {
  const undated = Object.fromEntries(Object.keys(OPENING_MOMENTS).map((member) => [member, null]));
  return JSON.stringify({ ...snapshotOf(transaction), ...undated });
}

/** `"createdAt":null` stands once in such a text: within JSON's strings a quote has a backslash, and no metadata is null. */
function dated(data: RawBuilder<string>): RawBuilder<string> {
  return Object.entries(OPENING_MOMENTS).reduce(
    (text, [member, column]) => sql`replace(${text}, ${`"${member}":null`}, ${`"${member}":`} ||
      to_json(to_char(o.${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))`,
    data,
  );
}

/** Nothing is written where nobody listens. A transaction's events follow each other in the order of its changes. */
function deliveriesOf(transaction: Transaction, type: WebhookEvent) {
  const { id, merchantId, test, tariffId } = transaction;
  return sql`listening as (
    select id from webhook_endpoints
    where merchant_id = ${merchantId}::bigint and test = ${test}::boolean and disabled_at is null
      and (${type} = any(events) or (events = '{}' and ${type} <> 'transaction.pulsed'))
  ), written as (
    insert into webhook_events (merchant_id, test, type, transaction_id, tariff_id, data)
    select ${merchantId}::bigint, ${test}::boolean, ${type}, ${id}::uuid, ${tariffId}::bigint,
      ${JSON.stringify(snapshotOf(transaction))}::json
    where exists (select from listening)
    returning sequence, merchant_id, test
  )
  insert into webhook_deliveries (event_sequence, endpoint_id, merchant_id, test)
  select w.sequence, l.id, w.merchant_id, w.test from written w, listening l`;
}
