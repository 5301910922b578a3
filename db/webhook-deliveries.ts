import { sql } from "kysely";
import type { Db } from "./database.ts";
import { PAGE_ROWS_MAX } from "./transactions.ts";
import type { Attempt, StoredEvent } from "./webhook-claims.ts";
import type { DeliveryStatus } from "./webhook-tables.ts";

/** One event on its way to one endpoint. */
export interface Delivery {
  readonly id: number;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly nextAttemptAt: Date | null;
  readonly settledAt: Date | null;
  readonly transactionId: string | null;
  readonly event: StoredEvent;
}

/** An endpoint's deliveries, newest first; `after` is the last id of the page before. */
export async function listDeliveries(
  db: Db,
  filter: {
    readonly endpointId: string;
    readonly status?: DeliveryStatus | undefined;
    readonly after?: number | undefined;
    readonly limit: number;
  },
): Promise<readonly Delivery[]> {
  let query = deliveries(db, filter.endpointId)
    .orderBy("d.id", "desc")
    .limit(Math.min(filter.limit, PAGE_ROWS_MAX + 1));
  if (filter.status) query = query.where("d.status", "=", filter.status);
  if (filter.after !== undefined) query = query.where("d.id", "<", filter.after);
  return (await query.execute()).map(deliveryOf);
}

/** Null: the endpoint has no such delivery. */
export async function findDelivery(db: Db, endpointId: string, id: number): Promise<Delivery | null> {
  const row = await deliveries(db, endpointId).where("d.id", "=", id).executeTakeFirst();
  return row ? deliveryOf(row) : null;
}

/** Every attempt of a delivery, oldest first. */
export async function attemptsOf(db: Db, id: number): Promise<readonly (Attempt & { readonly number: number })[]> {
  return db
    .selectFrom("webhook_attempts")
    .select(["number", "at", "duration_ms as durationMs", "status", "error", "answer"])
    .where("delivery_id", "=", id)
    .orderBy("number")
    .execute();
}

/**
 * Sends it again, with its schedule from the beginning. One that is being sent at this moment may arrive twice; what came
 * of that attempt is written down, and settles nothing.
 */
export async function redeliver(db: Db, endpointId: string, id: number): Promise<void> {
  await db
    .updateTable("webhook_deliveries")
    .set({
      status: "pending",
      step: 0,
      claim: sql<number>`claim + 1`,
      next_attempt_at: sql<Date>`clock_timestamp()`,
      settled_at: null,
    })
    .where("endpoint_id", "=", endpointId)
    .where("id", "=", id)
    .execute();
}

/** Writes an event for this endpoint alone; answers its delivery's id. */
export async function writeTestEvent(db: Db, endpointId: string): Promise<number> {
  const { rows } = await sql<{ readonly id: number }>`
    with written as (
      insert into webhook_events (merchant_id, test, type, data)
      select merchant_id, test, 'endpoint.test', json_build_object('id', id, 'url', url)
      from webhook_endpoints where id = ${endpointId}
      returning sequence, merchant_id, test
    )
    insert into webhook_deliveries (event_sequence, endpoint_id, merchant_id, test)
    select sequence, ${endpointId}::uuid, merchant_id, test from written
    returning id`.execute(db);
  const [first] = rows;
  if (!first) throw new Error("an endpoint was lost on the way to its test");
  return first.id;
}

function deliveries(db: Db, endpointId: string) {
  return db
    .selectFrom("webhook_deliveries as d")
    .innerJoin("webhook_events as v", "v.sequence", "d.event_sequence")
    .leftJoin("transactions as t", "t.id", "v.transaction_id")
    .select(["d.id", "d.status", "d.attempts", "d.next_attempt_at", "d.settled_at"])
    .select(["v.sequence", "v.type", "v.created_at", "v.data", "v.tariff_id", "v.transaction_id", "t.number"])
    .where("d.endpoint_id", "=", endpointId);
}

type DeliveryRow = Awaited<ReturnType<ReturnType<typeof deliveries>["execute"]>>[number];

function deliveryOf(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    status: row.status,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    settledAt: row.settled_at,
    transactionId: row.transaction_id?.toUpperCase() ?? null,
    event: {
      sequence: row.sequence,
      type: row.type,
      at: row.created_at,
      data: row.data as Readonly<Record<string, unknown>>,
      tariffId: row.tariff_id,
      number: row.number,
    },
  };
}
