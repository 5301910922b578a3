import { type Selectable, sql } from "kysely";
import type { Pass } from "../core/access.ts";
import type { AccessKey } from "../core/access-key.ts";
import type { Transaction } from "../core/transaction.ts";
import type { Db } from "./database.ts";
import type { TransactionsTable } from "./schema.ts";
import { transactionOf } from "./transaction-row.ts";

/** Renewals that are followed from one pass: eighty years of months. */
const CHAIN_LENGTH_MAX = 1_000;

/**
 * The transaction with this id or access code, and the last paid renewal in the chain that begins with it. Null: there
 * is none, or the code's pass isn't paid; until then nobody has been told the code.
 */
export async function findPass(db: Db, key: AccessKey): Promise<Pass | null> {
  let query = db.selectFrom("transactions").selectAll();
  if ("id" in key) query = query.where("id", "=", key.id);
  else query = query.where("access_code", "=", key.accessCode).where("paid_at", "is not", null);
  const row = await query.executeTakeFirst();
  if (!row) return null;
  const asked = transactionOf(row);
  return { asked, newest: asked.accessDays > 0 && asked.paidAt ? await newestOf(db, asked) : asked };
}

async function newestOf(db: Db, asked: Transaction): Promise<Transaction> {
  const { rows } = await sql<Selectable<TransactionsTable>>`
    with recursive chain as (
      select id, 0 as renewals from transactions where id = ${asked.id}
      union all
      select r.id, chain.renewals + 1 from chain join transactions r
        on r.renews = chain.id and r.status <> 'cancelled' and r.paid_at is not null
        where chain.renewals < ${CHAIN_LENGTH_MAX}
    )
    select t.* from chain join transactions t on t.id = chain.id
    where chain.renewals > 0 order by chain.renewals desc limit 1`.execute(db);
  const newest = rows[0];
  return newest ? transactionOf(newest) : asked;
}

/** The renewal of a pass that is paid, open or expired; at most one is. */
export async function findRenewal(db: Db, passId: string): Promise<Transaction | null> {
  const row = await db
    .selectFrom("transactions")
    .selectAll()
    .where("renews", "=", passId)
    .where("status", "<>", "cancelled")
    .executeTakeFirst();
  return row ? transactionOf(row) : null;
}

/** By the ids of passes: the renewals of theirs that are paid. */
export async function paidRenewalsOf(db: Db, passIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (passIds.length === 0) return new Map();
  const rows = await db
    .selectFrom("transactions")
    .select(["id", "renews"])
    .where("renews", "in", [...passIds])
    .where("status", "<>", "cancelled")
    .where("paid_at", "is not", null)
    .execute();
  return new Map(rows.map(({ id, renews }) => [(renews ?? "").toUpperCase(), id.toUpperCase()]));
}

/** Whether another transaction has this code, paid or not. */
export async function isAccessCodeTaken(db: Db, accessCode: string): Promise<boolean> {
  const row = await db.selectFrom("transactions").select("id").where("access_code", "=", accessCode).executeTakeFirst();
  return row !== undefined;
}
