import { sql } from "kysely";
import type { Change, Transaction, TransactionEvent } from "../core/transaction.ts";
import { snapshotOf } from "../core/transaction-snapshot.ts";
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

/** Writes one event for each of the transactions, and its deliveries to those who asked for it: in the change's own database transaction. */
export async function tell(
  trx: DbTransaction,
  transactions: readonly Transaction[],
  type: WebhookEvent,
): Promise<void> {
  for (const transaction of transactions) await sql`with ${deliveriesOf(transaction, type)}`.execute(trx);
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
