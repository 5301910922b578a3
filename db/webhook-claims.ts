import { sql } from "kysely";
import type { DisabledReason, WebhookEvent } from "../core/webhook-event.ts";
import { type AttemptError, FAILING_DAYS_MAX, type Verdict } from "../core/webhook-schedule.ts";
import type { Db, DbTransaction } from "./database.ts";

/** A sender that hasn't settled a delivery for so long is taken for dead, and another one takes it. */
export const CLAIM_SECONDS = 60;

/** A delivery that this sender has, until its claim runs out. */
export interface ClaimedDelivery {
  readonly id: number;
  readonly claim: number;
  readonly step: number;
  readonly attempts: number;
  readonly endpointId: string;
  readonly url: string;
  readonly secretVersion: number;
  /** Whether the secret before it signs, too. */
  readonly twoSecrets: boolean;
  readonly event: StoredEvent;
}

/** An event as it was written. */
export interface StoredEvent {
  readonly sequence: number;
  readonly type: WebhookEvent;
  readonly at: Date;
  readonly data: Readonly<Record<string, unknown>>;
  /** Of the transaction at that moment; null for what is about none. */
  readonly tariffId: number | null;
  readonly number: string | null;
}

/** How a sender's places are shared out. */
export interface Places {
  /** Free for what is asked for now. */
  readonly limit: number;
  readonly perEndpoint: number;
  /** Beyond these, a merchant gets one for each endpoint that has none. */
  readonly perMerchant: number;
  /** Of the free ones, so many are kept for merchants who have hardly any yet: not more than `fewOfMerchant`. */
  readonly kept: number;
  readonly fewOfMerchant: number;
  /** How many of an endpoint's places are taken by this sender. */
  readonly busy: ReadonlyMap<string, number>;
}

/**
 * Takes deliveries that are due, of each endpoint a few at a time: one that never answers holds its own places and no
 * other's. Merchants take turns, so that nobody waits for the backlog of somebody slow. Any number of senders may ask at
 * once, and each delivery goes to one of them. One after the other it looks at endpoints with something to send, so that
 * a thousand deliveries that wait for a dead one cost no more than one.
 */
export async function claimDeliveries(
  db: Db,
  places: Places,
  /** Whether from endpoints that are failing, or from the others. */
  failing: boolean,
): Promise<readonly ClaimedDelivery[]> {
  if (places.limit <= 0) return [];
  const { rows } = await sql<ClaimedRow>`
    with recursive waiting (id) as (
      (select endpoint_id from webhook_deliveries where status = 'pending' order by endpoint_id limit 1)
      union all
      select (select d.endpoint_id from webhook_deliveries d
              where d.status = 'pending' and d.endpoint_id > w.id order by d.endpoint_id limit 1)
      from waiting w where w.id is not null
    ), busy as (
      select e.id, e.merchant_id, b.places
      from unnest(${[...places.busy.keys()]}::uuid[], ${[...places.busy.values()]}::integer[]) as b (id, places)
      join webhook_endpoints e on e.id = b.id
    ), due as (
      select d.id, d.next_attempt_at, e.merchant_id, coalesce(busy.places, 0) + d.place as place_at_endpoint
      from waiting
      join webhook_endpoints e on e.id = waiting.id and e.disabled_at is null
        and (e.failing_since is not null) = ${failing}
      left join busy on busy.id = e.id
      cross join lateral (
        select id, next_attempt_at, row_number() over (order by next_attempt_at) as place from (
          select id, next_attempt_at from webhook_deliveries
          where endpoint_id = e.id and status = 'pending' and next_attempt_at <= now()
          order by next_attempt_at
          limit greatest(0, ${places.perEndpoint}::integer - coalesce(busy.places, 0))
          for update skip locked
        ) locked
      ) d
    ), turns as (
      select id, next_attempt_at, place_at_endpoint,
        coalesce((select sum(places) from busy b where b.merchant_id = due.merchant_id), 0)
          + row_number() over (partition by merchant_id order by place_at_endpoint, next_attempt_at) as place
      from due
    ), ranked as (
      select id, place, row_number() over (order by place, next_attempt_at) as rank from turns
      where place <= ${places.perMerchant} or place_at_endpoint = 1
    ), chosen as (
      select id from ranked
      where rank <= ${places.limit}::integer - case when place > ${places.fewOfMerchant} then ${places.kept}::integer else 0 end
    ), claimed as (
      update webhook_deliveries d
      set claim = claim + 1, next_attempt_at = clock_timestamp() + make_interval(secs => ${CLAIM_SECONDS})
      where d.id = any(array(select id from chosen))
      returning d.id, d.claim, d.step, d.attempts, d.endpoint_id, d.event_sequence
    )
    select c.id, c.claim, c.step, c.attempts, e.id as "endpointId", e.url, e.secret_version as "secretVersion",
      coalesce(e.previous_secret_until > clock_timestamp(), false) as "twoSecrets",
      v.sequence, v.type, v.created_at as at, v.data, v.tariff_id as "tariffId", t.number
    from claimed c
    join webhook_endpoints e on e.id = c.endpoint_id
    join webhook_events v on v.sequence = c.event_sequence
    left join transactions t on t.id = v.transaction_id
    order by v.sequence`.execute(db);
  return rows.map(({ sequence, type, at, data, tariffId, number, ...delivery }) => ({
    ...delivery,
    event: { sequence, type, at, data, tariffId, number },
  }));
}

type ClaimedRow = Omit<ClaimedDelivery, "event"> & StoredEvent;

/** One attempt as it went. */
export interface Attempt {
  readonly at: Date;
  readonly durationMs: number;
  readonly status: number | null;
  readonly error: AttemptError | null;
  /** How the answer began. */
  readonly answer: string;
}

/**
 * Writes down what came of an attempt, and what follows. Answers why the endpoint is disabled by it, if it is; its
 * merchant's other endpoints are told so. An attempt whose claim was lost in the meantime is written down and settles nothing.
 */
export async function settleDelivery(
  db: Db,
  delivery: ClaimedDelivery,
  attempt: Attempt,
  verdict: Verdict,
): Promise<DisabledReason | null> {
  return db.transaction().execute(async (trx) => {
    const again = verdict.kind === "again";
    const settled = await trx
      .updateTable("webhook_deliveries")
      .set({
        attempts: sql<number>`attempts + 1`,
        ...(again
          ? {
              step: sql<number>`step + 1`,
              next_attempt_at: sql<Date>`clock_timestamp() + make_interval(secs => ${verdict.waitSeconds})`,
            }
          : { status: verdict.kind, next_attempt_at: null, settled_at: sql<Date>`clock_timestamp()` }),
      })
      .where("id", "=", delivery.id)
      .where("claim", "=", delivery.claim)
      .where("status", "=", "pending")
      .returning("attempts")
      .executeTakeFirst();
    const counted = settled ?? (await countOvertaken(trx, delivery.id));
    if (!counted) return null;
    const { at, durationMs: duration_ms, status, error, answer } = attempt;
    await trx
      .insertInto("webhook_attempts")
      .values({ delivery_id: delivery.id, number: counted.attempts, at, duration_ms, status, error, answer })
      .execute();
    if (!settled) return null;
    if (verdict.kind === "delivered") {
      await noteSuccess(trx, delivery.endpointId);
      return null;
    }
    // A test tells its merchant, who is looking; it says nothing of an endpoint that works when it has to.
    if (delivery.event.type === "endpoint.test" && !isGone(verdict)) return null;
    return noteFailure(trx, delivery.endpointId, verdict);
  });
}

/** Null: the delivery is gone, with its endpoint. */
async function countOvertaken(trx: DbTransaction, id: number): Promise<{ readonly attempts: number } | null> {
  const row = await trx
    .updateTable("webhook_deliveries")
    .set({ attempts: sql<number>`attempts + 1` })
    .where("id", "=", id)
    .returning("attempts")
    .executeTakeFirst();
  return row ?? null;
}

async function noteSuccess(trx: DbTransaction, endpointId: string): Promise<void> {
  await trx
    .updateTable("webhook_endpoints")
    .set({ failing_since: null })
    .where("id", "=", endpointId)
    .where("failing_since", "is not", null)
    .execute();
}

function isGone(verdict: Verdict): boolean {
  return verdict.kind === "failed" && verdict.gone;
}

/**
 * Nothing is written where the endpoint was failing before and goes on. One that has failed for long is disabled by a
 * delivery that has been tried to its end, never by the first attempt of one.
 */
async function noteFailure(trx: DbTransaction, endpointId: string, verdict: Verdict): Promise<DisabledReason | null> {
  const { rows } = await sql<{ readonly reason: DisabledReason | null }>`
    update webhook_endpoints
    set failing_since = coalesce(failing_since, clock_timestamp()),
        disabled_at = case when judged.reason is not null then date_trunc('milliseconds', clock_timestamp()) end,
        disabled_reason = judged.reason
    from (
      select id as judged_id, case when ${isGone(verdict)}::boolean then 'gone'
        when ${verdict.kind === "failed"}::boolean and failing_since < clock_timestamp() - make_interval(days => ${FAILING_DAYS_MAX}) then 'failing' end as reason
      from webhook_endpoints where id = ${endpointId} for no key update
    ) judged
    where id = judged.judged_id and disabled_at is null and (failing_since is null or judged.reason is not null)
    returning disabled_reason as reason`.execute(trx);
  const reason = rows[0]?.reason ?? null;
  if (reason) await tellDisabled(trx, endpointId);
  return reason;
}

/** The endpoint itself has the event, too, as one that was never sent: there its merchant finds it. */
async function tellDisabled(trx: DbTransaction, endpointId: string): Promise<void> {
  await sql`
    with gone as (
      select id, merchant_id, test, json_build_object('id', id, 'url', url, 'reason', disabled_reason,
        'disabledAt', to_char(disabled_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) as data
      from webhook_endpoints where id = ${endpointId}
    ), written as (
      insert into webhook_events (merchant_id, test, type, data)
      select merchant_id, test, 'endpoint.disabled', data from gone
      returning sequence, merchant_id, test
    )
    insert into webhook_deliveries (event_sequence, endpoint_id, merchant_id, test, status, next_attempt_at, settled_at)
    select w.sequence, e.id, e.merchant_id, e.test,
      case when e.id = ${endpointId} then 'dropped' else 'pending' end,
      case when e.id = ${endpointId} then null else clock_timestamp() end,
      case when e.id = ${endpointId} then clock_timestamp() end
    from written w join webhook_endpoints e on e.merchant_id = w.merchant_id and e.test = w.test
    where e.id = ${endpointId}
      or (e.disabled_at is null and ('endpoint.disabled' = any(e.events) or e.events = '{}'))`.execute(trx);
}
