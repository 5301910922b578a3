import { type Selectable, sql } from "kysely";
import pg from "pg";
import type { ErrorCode } from "../core/errors.ts";
import type { Quote } from "../core/quote.ts";
import {
  OPEN_MINUTES,
  type Order,
  RESUMABLE_DAYS,
  type Status,
  type Transaction,
  type Transition,
} from "../core/transaction.ts";
import { type Db, type DbTransaction, databaseNow } from "./database.ts";
import { notifyChange } from "./notices.ts";
import type { TransactionsTable } from "./schema.ts";
import { isListenedTo, writeJournal } from "./webhook-outbox.ts";

/** Most rows that one page of a list holds. */
export const PAGE_ROWS_MAX = 100;

/** Writes a new transaction and its first journal line. Refuses a reference that another open one holds. */
export async function openTransaction(
  db: Db,
  order: Order,
  quote: Quote,
): Promise<Transaction | { readonly refusal: ErrorCode }> {
  return db.transaction().execute(async (trx) => {
    const inserted = await trx
      .insertInto("transactions")
      .values({
        id: order.id,
        merchant_id: order.merchantId,
        test: order.test,
        status: "open",
        amount: order.amountRappen,
        total: quote.totalRappen,
        currency: order.currency,
        number: order.number,
        tariff_id: order.tariffId,
        description: order.description,
        items: JSON.stringify(order.items),
        reference: order.reference,
        return_url: order.returnUrl,
        cancel_url: order.cancelUrl,
        language: order.language,
        access_days: order.accessDays,
        metadata: JSON.stringify(order.metadata),
        auto_confirm_seconds: order.autoConfirmSeconds,
        expected_seconds: quote.expectedSeconds,
        redeemed_by: null,
        expires_at: sql<Date>`now() + make_interval(mins => ${OPEN_MINUTES})`,
        resumable_until: sql<Date>`now() + make_interval(days => ${RESUMABLE_DAYS})`,
      })
      .onConflict((conflict) =>
        conflict
          .columns(["merchant_id", "test", "reference"])
          .where("reference", "is not", null)
          .where("status", "in", [sql.lit<Status>("open"), sql.lit<Status>("calling")])
          .doNothing(),
      )
      .returningAll()
      .returning(isListenedTo)
      .executeTakeFirst();
    if (!inserted) return { refusal: "reference_in_use" };
    const opened = transactionOf(inserted);
    const { amountRappen } = order;
    await writeJournal(trx, opened, { event: "transaction.created", data: { amountRappen }, told: inserted.listened });
    return opened;
  });
}

export async function findTransaction(db: Db, id: string): Promise<Transaction | null> {
  const row = await db.selectFrom("transactions").selectAll().where("id", "=", id).executeTakeFirst();
  return row ? transactionOf(row) : null;
}

/** Inside a database transaction: as they are in it. */
export async function findTransactions(trx: DbTransaction, ids: readonly string[]): Promise<readonly Transaction[]> {
  return (await trx.selectFrom("transactions").selectAll().where("id", "in", ids).execute()).map(transactionOf);
}

/** A merchant's transactions, newest first; `after` is the last id of the page before. */
export async function listTransactions(
  db: Db,
  filter: {
    readonly merchantId: number;
    readonly test: boolean;
    readonly status?: Status | undefined;
    readonly reference?: string | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<readonly Transaction[]> {
  let query = db
    .selectFrom("transactions")
    .selectAll()
    .where("merchant_id", "=", filter.merchantId)
    .where("test", "=", filter.test)
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(Math.min(filter.limit, PAGE_ROWS_MAX));
  if (filter.reference !== undefined) query = query.where("reference", "=", filter.reference);
  if (filter.status === "open") query = query.where("status", "=", "open").where("expires_at", ">", sql<Date>`now()`);
  else if (filter.status === "expired") {
    query = query.where((eb) =>
      eb.or([eb("status", "=", "expired"), eb("status", "=", "open").and("expires_at", "<=", sql<Date>`now()`)]),
    );
  } else if (filter.status) query = query.where("status", "=", filter.status);
  if (filter.after !== undefined) {
    const last = db
      .selectFrom("transactions as last")
      .select(["last.created_at", "last.id"])
      .where("last.id", "=", filter.after)
      .where("last.merchant_id", "=", filter.merchantId);
    query = query.where(sql<boolean>`(created_at, transactions.id) < ${last}`);
  }
  return (await query.execute()).map(transactionOf);
}

/**
 * The ONE way in which a transaction changes: lock its row, let a pure transition decide by the database's clock, save,
 * write the journal and notify, all in one database transaction. A refusal or «nothing to change» writes nothing.
 */
export async function changeTransaction(
  db: Db,
  id: string,
  transition: Transition,
): Promise<{ readonly transaction: Transaction; readonly refusal: ErrorCode | null } | null> {
  try {
    return await db.transaction().execute((trx) => changeWithin(trx, id, transition));
  } catch (error) {
    // Open again, it would stand beside another open one with its reference.
    if (!isReferenceTaken(error)) throw error;
    const transaction = await findTransaction(db, id);
    return transaction && { transaction, refusal: "reference_in_use" };
  }
}

function isReferenceTaken(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.constraint === "open_reference_is_unique";
}

/** The same inside a database transaction that is under way. Null: there is no such transaction. */
export async function changeWithin(
  trx: DbTransaction,
  id: string,
  transition: Transition,
): Promise<{ readonly transaction: Transaction; readonly refusal: ErrorCode | null } | null> {
  const row = await trx
    .selectFrom("transactions")
    .selectAll()
    .select(isListenedTo)
    .where("id", "=", id)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (!row) return null;
  const before = transactionOf(row);
  const change = transition(before, await databaseNow(trx));
  if (change === null) return { transaction: before, refusal: null };
  if ("refusal" in change) return { transaction: before, refusal: change.refusal };
  const { next, event, data = {} } = change;
  await trx
    .updateTable("transactions")
    .set({
      status: next.status,
      exception: next.exception,
      tariff_id: next.tariffId,
      total: next.totalRappen,
      billed: next.billedRappen,
      expected_seconds: next.expectedSeconds,
      expires_at: next.expiresAt,
      resumable_until: next.resumableUntil,
      expired_at: next.expiredAt,
      paid_at: next.paidAt,
      confirmed_at: next.confirmedAt,
      redeemed_at: next.redeemedAt,
      redeemed_by: next.redeemedBy,
      cancelled_at: next.cancelledAt,
    })
    .where("id", "=", id)
    .execute();
  await writeJournal(trx, next, { event, data, told: row.listened });
  await notifyChange(trx, next.id);
  return { transaction: next, refusal: null };
}

export interface JournalLine {
  readonly id: number;
  readonly at: Date;
  readonly event: string;
  readonly data: Readonly<Record<string, string | number | boolean | null>>;
}

/** Everything that ever happened to a transaction, oldest first. */
export async function readJournal(db: Db, id: string): Promise<readonly JournalLine[]> {
  return db
    .selectFrom("journal")
    .select(["id", "at", "event", "data"])
    .where("transaction_id", "=", id)
    .orderBy("id")
    .execute();
}

/** Ids of open transactions whose time has run out, oldest first: for the job that tells their merchants. */
export async function transactionsToExpire(db: Db, limit: number): Promise<readonly string[]> {
  const rows = await db
    .selectFrom("transactions")
    .select("id")
    .where("status", "=", "open")
    .where("expires_at", "<=", sql<Date>`now()`)
    .orderBy("expires_at")
    .limit(limit)
    .execute();
  return rows.map((row) => row.id.toUpperCase());
}

/** Ids of paid transactions whose shopper did not confirm in the time the merchant gave them. */
export async function transactionsToConfirm(db: Db, limit: number): Promise<readonly string[]> {
  const rows = await db
    .selectFrom("transactions")
    .select("id")
    .where("status", "=", "paid")
    .where(sql<boolean>`paid_at + make_interval(secs => auto_confirm_seconds) <= now()`)
    .orderBy("paid_at")
    .limit(limit)
    .execute();
  return rows.map((row) => row.id.toUpperCase());
}

/** Row to noun: PostgreSQL writes a uuid in lower case, the product in upper case. */
function transactionOf(row: Selectable<TransactionsTable>): Transaction {
  return {
    id: row.id.toUpperCase(),
    merchantId: row.merchant_id,
    test: row.test,
    status: row.status,
    exception: row.exception,
    amountRappen: row.amount,
    totalRappen: row.total,
    billedRappen: row.billed,
    currency: row.currency,
    number: row.number,
    tariffId: row.tariff_id,
    description: row.description,
    items: row.items,
    reference: row.reference,
    returnUrl: row.return_url,
    cancelUrl: row.cancel_url,
    language: row.language,
    accessDays: row.access_days,
    metadata: row.metadata,
    autoConfirmSeconds: row.auto_confirm_seconds,
    expectedSeconds: row.expected_seconds,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    resumableUntil: row.resumable_until,
    expiredAt: row.expired_at,
    paidAt: row.paid_at,
    confirmedAt: row.confirmed_at,
    redeemedAt: row.redeemed_at,
    redeemedBy: row.redeemed_by,
    cancelledAt: row.cancelled_at,
  };
}
