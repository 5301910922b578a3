import { type Selectable, sql } from "kysely";
import type { DisabledReason, WebhookEvent } from "../core/webhook-event.ts";
import { PREVIOUS_SECRET_HOURS } from "../core/webhook-secret.ts";
import type { Db } from "./database.ts";
import type { WebhookEndpointsTable } from "./webhook-tables.ts";

/** Endpoints that a merchant has in each mode at most. */
export const ENDPOINTS_MAX = 10;

/** Whose endpoints: a merchant's, in one mode. */
export interface EndpointOwner {
  readonly merchantId: number;
  readonly test: boolean;
}

/** Where a merchant is told what happens. */
export interface Endpoint {
  readonly id: string;
  readonly url: string;
  /** Empty: all but pulses. */
  readonly events: readonly string[];
  readonly description: string | null;
  readonly secretVersion: number;
  readonly previousSecretUntil: Date | null;
  readonly failingSince: Date | null;
  readonly createdAt: Date;
  readonly disabledAt: Date | null;
  readonly disabledReason: DisabledReason | null;
}

export interface EndpointWish {
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly description: string | null;
}

/** Null: all places are taken. */
export async function addEndpoint(db: Db, owner: EndpointOwner, wish: EndpointWish): Promise<Endpoint | null> {
  return db.transaction().execute(async (trx) => {
    // One at a time, so that two don't want the same place.
    await trx.selectFrom("merchants").select("id").where("id", "=", owner.merchantId).forNoKeyUpdate().execute();
    const { rows } = await sql<{ readonly place: number }>`
      select place from generate_series(1, ${ENDPOINTS_MAX}::integer) as place
      where not exists (
        select from webhook_endpoints e where e.merchant_id = ${owner.merchantId} and e.test = ${owner.test}
          and e.removed_at is null and e.place = place.place
      ) order by place limit 1`.execute(trx);
    const place = rows[0]?.place;
    if (place === undefined) return null;
    const added = await trx
      .insertInto("webhook_endpoints")
      .values({
        merchant_id: owner.merchantId,
        test: owner.test,
        place,
        url: wish.url,
        events: [...wish.events],
        description: wish.description,
        disabled_reason: null,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return endpointOf(added);
  });
}

/** All of them, oldest first. */
export async function listEndpoints(db: Db, owner: EndpointOwner): Promise<readonly Endpoint[]> {
  const rows = await endpointsOf(db, owner).orderBy("created_at").orderBy("place").execute();
  return rows.map(endpointOf);
}

/** Null: the owner has no such endpoint, or has it no more. */
export async function findEndpoint(db: Db, owner: EndpointOwner, id: string): Promise<Endpoint | null> {
  const row = await endpointsOf(db, owner).where("id", "=", id).executeTakeFirst();
  return row ? endpointOf(row) : null;
}

/** Sets what is given. At another address, or enabled again, an endpoint begins anew: what failed before counts no more. */
export async function changeEndpoint(
  db: Db,
  owner: EndpointOwner,
  id: string,
  wish: Partial<EndpointWish> & { readonly disabled?: boolean | undefined },
): Promise<Endpoint | null> {
  const { url, events, description, disabled } = wish;
  const row = await ownEndpoint(db, owner, id)
    .set({
      removed_at: null, // as it is: with nothing to set there would be no statement
      ...(url === undefined ? {} : { url }),
      ...(url === undefined && disabled !== false ? {} : { failing_since: null }),
      ...(events === undefined ? {} : { events: [...events] }),
      ...(description === undefined ? {} : { description }),
    })
    .$if(disabled === true, (update) =>
      update.set({
        disabled_at: sql<Date>`coalesce(disabled_at, now())`,
        disabled_reason: sql<DisabledReason>`coalesce(disabled_reason, 'merchant')`,
      }),
    )
    .$if(disabled === false, (update) => update.set({ disabled_at: null, disabled_reason: null }))
    .returningAll()
    .executeTakeFirst();
  return row ? endpointOf(row) : null;
}

/** From now on it has a new secret, and for some time the one before it, too. */
export async function rotateSecret(db: Db, owner: EndpointOwner, id: string): Promise<Endpoint | null> {
  const row = await ownEndpoint(db, owner, id)
    .set({
      secret_version: sql<number>`secret_version + 1`,
      previous_secret_until: sql<Date>`now() + make_interval(hours => ${PREVIOUS_SECRET_HOURS})`,
    })
    .returningAll()
    .executeTakeFirst();
  return row ? endpointOf(row) : null;
}

/**
 * Removes an endpoint at once for its merchant. Its row goes with its last delivery: deleted at once, it would make the
 * changes fail that are just being told to it.
 */
export async function removeEndpoint(db: Db, owner: EndpointOwner, id: string): Promise<boolean> {
  const row = await ownEndpoint(db, owner, id)
    .set({
      removed_at: sql<Date>`now()`,
      disabled_at: sql<Date>`coalesce(disabled_at, now())`,
      disabled_reason: sql<DisabledReason>`coalesce(disabled_reason, 'merchant')`,
    })
    .returning("id")
    .executeTakeFirst();
  return row !== undefined;
}

function endpointsOf(db: Db, owner: EndpointOwner) {
  return db
    .selectFrom("webhook_endpoints")
    .selectAll()
    .where("merchant_id", "=", owner.merchantId)
    .where("test", "=", owner.test)
    .where("removed_at", "is", null);
}

function ownEndpoint(db: Db, owner: EndpointOwner, id: string) {
  return db
    .updateTable("webhook_endpoints")
    .where("id", "=", id)
    .where("merchant_id", "=", owner.merchantId)
    .where("test", "=", owner.test)
    .where("removed_at", "is", null);
}

function endpointOf(row: Selectable<WebhookEndpointsTable>): Endpoint {
  return {
    id: row.id,
    url: row.url,
    events: row.events,
    description: row.description,
    secretVersion: row.secret_version,
    previousSecretUntil: row.previous_secret_until,
    failingSince: row.failing_since,
    createdAt: row.created_at,
    disabledAt: row.disabled_at,
    disabledReason: row.disabled_reason,
  };
}
