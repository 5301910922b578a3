import { randomInt } from "node:crypto";
import { type InsertObject, sql } from "kysely";
import pg from "pg";
import { drawAccessCode } from "../core/access-code.ts";
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
import { type Db, type DbTransaction, databaseNow, inTransaction } from "./database.ts";
import { notifyChange } from "./notices.ts";
import { findRenewal, isAccessCodeTaken } from "./passes.ts";
import type { Database } from "./schema.ts";
import { transactionOf } from "./transaction-row.ts";
import { isListenedTo, writeJournal } from "./webhook-outbox.ts";

/** Most rows that one page of a list holds. */
export const PAGE_ROWS_MAX = 100;

/** Draws of an access code before we give up: beside a million passes, one draw in a million meets one of theirs. */
const ACCESS_CODE_DRAWS_MAX = 3;

/**
 * Writes a new transaction and its first journal line. Refuses a reference that another open one holds,
 * and a renewal of a pass that has one already. A pass is given the code that will open it once it is paid.
 */
export async function openTransaction(
  db: Db,
  order: Order,
  quote: Quote,
): Promise<Transaction | { readonly refusal: ErrorCode }> {
  for (let draws = 0; draws < ACCESS_CODE_DRAWS_MAX; draws++) {
    const accessCode = order.accessDays > 0 ? drawAccessCode((sides) => randomInt(sides)) : null;
    const opened = await insertOpened(db, rowOf(order, quote, accessCode));
    if (opened) return opened;
    if (order.renews && (await findRenewal(db, order.renews))) return { refusal: "renewal_exists" };
    const isCodeTaken = accessCode !== null && (await isAccessCodeTaken(db, accessCode));
    if (order.reference !== null && !isCodeTaken) return { refusal: "reference_in_use" };
  }
  throw new Error(`no free access code in ${ACCESS_CODE_DRAWS_MAX} draws`);
}

/** Null where any unique index has such a row already. */
function insertOpened(db: Db, row: InsertObject<Database, "transactions">): Promise<Transaction | null> {
  return inTransaction(db, async (trx) => {
    const inserted = await trx
      .insertInto("transactions")
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .returning(isListenedTo)
      .executeTakeFirst();
    if (!inserted) return null;
    const opened = transactionOf(inserted);
    const { amountRappen } = opened;
    await writeJournal(trx, opened, { event: "transaction.created", data: { amountRappen }, told: inserted.listened });
    return opened;
  });
}

function rowOf(order: Order, quote: Quote, accessCode: string | null): InsertObject<Database, "transactions"> {
  return {
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
    access_code: accessCode,
    renews: order.renews,
    access_after: order.accessAfter,
    donation_minimum: order.donation?.minimumRappen ?? null,
    donation_maximum: order.donation?.maximumRappen ?? null,
    donation_suggestions: [...(order.donation?.suggestionsRappen ?? [])],
    metadata: JSON.stringify(order.metadata),
    auto_confirm_seconds: order.autoConfirmSeconds,
    expected_seconds: quote.expectedSeconds,
    redeemed_by: null,
    expires_at: sql<Date>`now() + make_interval(mins => ${OPEN_MINUTES})`,
    resumable_until: sql<Date>`now() + make_interval(days => ${RESUMABLE_DAYS})`,
  };
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
