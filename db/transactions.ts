import { sql } from "kysely";
import pg from "pg";
import type { ErrorCode } from "../core/errors.ts";
import type { Status, Transaction } from "../core/transaction.ts";
import type { Transition } from "../core/transitions.ts";
import { type Db, type DbTransaction, databaseNow, inTransaction } from "./database.ts";
import { notifyChange } from "./notices.ts";
import { transactionOf } from "./transaction-row.ts";
import { isListenedTo, writeJournal } from "./webhook-outbox.ts";

/** Most rows that one page of a list holds. */
export const PAGE_ROWS_MAX = 100;

export async function findTransaction(db: Db, id: string): Promise<Transaction | null> {
  const row = await db.selectFrom("transactions").selectAll().where("id", "=", id).executeTakeFirst();
  return row ? transactionOf(row) : null;
}

/** Those that there are; inside a database transaction as they are in it. */
export async function findTransactions(
  db: Db | DbTransaction,
  ids: readonly string[],
): Promise<readonly Transaction[]> {
  const among = sql<boolean>`id = any(${ids}::uuid[])`;
  return (await db.selectFrom("transactions").selectAll().where(among).execute()).map(transactionOf);
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
    .limit(Math.min(filter.limit, PAGE_ROWS_MAX + 1)); // one more tells whether there is another page
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
      .where("last.merchant_id", "=", filter.merchantId)
      .where("last.test", "=", filter.test);
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
    return await inTransaction(db, (trx) => changeWithin(trx, id, transition));
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
    .select(isListenedTo.as("listened"))
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
      amount: next.amountRappen,
      amount_chosen_at: next.amountChosenAt,
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
