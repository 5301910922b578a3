import { sql } from "kysely";
import type { Play } from "../core/played-call.ts";
import type { Db } from "./database.ts";
import { notifyChange } from "./notices.ts";

/** A play whose process hasn't been heard of for so long is over, whatever became of it. */
export const PLAY_LEASE_SECONDS = 20;

/** The play that a transaction's page tells of: the last one. */
export interface LastPlay {
  readonly play: Play;
  readonly isPlaying: boolean;
}

/** Begins a play, and answers its id; null while another one of the transaction is under way, in whatever process. */
export async function beginPlay(
  db: Db,
  begun: { readonly transactionId: string; readonly play: Play },
): Promise<number | null> {
  const { transactionId, play } = begun;
  return db.transaction().execute(async (trx) => {
    await trx
      .updateTable("test_plays")
      .set({ ended_at: sql<Date>`clock_timestamp()` })
      .where("transaction_id", "=", transactionId)
      .where("ended_at", "is", null)
      .where("lease_until", "<", sql<Date>`clock_timestamp()`)
      .execute();
    const row = await trx
      .insertInto("test_plays")
      .values({ transaction_id: transactionId, play, lease_until: leaseUntil })
      .onConflict((conflict) => conflict.column("transaction_id").where("ended_at", "is", null).doNothing())
      .returning("id")
      .executeTakeFirst();
    if (!row) return null;
    await notifyChange(trx, transactionId);
    return row.id;
  });
}

const leaseUntil = sql<Date>`clock_timestamp() + make_interval(secs => ${PLAY_LEASE_SECONDS})`;

/** Says that these plays go on. */
export async function renewPlays(db: Db, ids: readonly number[]): Promise<void> {
  await db
    .updateTable("test_plays")
    .set({ lease_until: leaseUntil })
    .where(sql<boolean>`id = any(${ids}::bigint[])`)
    .where("ended_at", "is", null)
    .execute();
}

export async function endPlay(db: Db, id: number): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const ended = await trx
      .updateTable("test_plays")
      .set({ ended_at: sql<Date>`clock_timestamp()` })
      .where("id", "=", id)
      .where("ended_at", "is", null)
      .returning("transaction_id")
      .executeTakeFirst();
    if (ended) await notifyChange(trx, ended.transaction_id.toUpperCase());
  });
}

/** Null: nothing was played for this transaction so far. */
export async function findLastPlay(db: Db, transactionId: string): Promise<LastPlay | null> {
  return (await lastPlayOfEach(db, [transactionId])).get(transactionId.toUpperCase()) ?? null;
}

/** The same for any number of transactions, by id; one for which nothing was played has no entry. */
export async function lastPlayOfEach(
  db: Db,
  transactionIds: readonly string[],
): Promise<ReadonlyMap<string, LastPlay>> {
  if (transactionIds.length === 0) return new Map();
  const rows = await db
    .selectFrom("test_plays")
    .distinctOn("transaction_id")
    .select(["transaction_id as id", "play"])
    .select(sql<boolean>`ended_at is null and lease_until >= clock_timestamp()`.as("isPlaying"))
    .where(sql<boolean>`transaction_id = any(${transactionIds}::uuid[])`)
    .orderBy("transaction_id")
    .orderBy("test_plays.id", "desc") // «id» alone would be the column as it is named above
    .execute();
  return new Map(rows.map(({ id, ...play }) => [id.toUpperCase(), play]));
}
