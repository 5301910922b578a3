import { sql } from "kysely";
import type { Db, DbTransaction } from "./database.ts";

/** How long an answer is kept for the repetition of its request. */
export const ANSWERS_KEPT_HOURS = 24;

/** One request as its merchant names it. */
export interface NamedRequest {
  readonly merchantId: number;
  readonly test: boolean;
  /** Method and path. */
  readonly operation: string;
  readonly key: string;
}

export interface KeptAnswer {
  /** SHA-256 of the request's body. */
  readonly fingerprint: Buffer;
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

/**
 * Reserves the request's name until the end of the database transaction; false: another process is just doing that
 * request. Nobody waits here, so that repetitions of one slow request don't use up the connections of all.
 */
export async function reserveRequest(trx: DbTransaction, request: NamedRequest): Promise<boolean> {
  const name = JSON.stringify([request.merchantId, request.test, request.operation, request.key]);
  const { rows } = await sql<{ reserved: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended(${name}, 5)) as reserved`.execute(trx);
  return rows[0]?.reserved === true;
}

export async function findAnswer(trx: DbTransaction, request: NamedRequest): Promise<KeptAnswer | null> {
  const row = await trx
    .selectFrom("idempotent_answers")
    .select(["fingerprint", "status", "body"])
    .where("merchant_id", "=", request.merchantId)
    .where("test", "=", request.test)
    .where("operation", "=", request.operation)
    .where("key", "=", request.key)
    .where("created_at", ">", sql<Date>`now() - make_interval(hours => ${ANSWERS_KEPT_HOURS})`)
    .executeTakeFirst();
  return row ?? null;
}

/** Keeps the answer in the same database transaction as what it tells; one that has grown too old is replaced. */
export async function keepAnswer(trx: DbTransaction, request: NamedRequest, answer: KeptAnswer): Promise<void> {
  await trx
    .insertInto("idempotent_answers")
    .values({
      merchant_id: request.merchantId,
      test: request.test,
      operation: request.operation,
      key: request.key,
      ...answer,
    })
    .onConflict((conflict) =>
      conflict
        .columns(["merchant_id", "test", "operation", "key"])
        .doUpdateSet({ ...answer, created_at: sql<Date>`now()` }),
    )
    .execute();
}

/** Throws away what nobody may ask for any more, at most `limit` rows, and answers how many. */
export async function forgetAnswers(db: Db, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from idempotent_answers where ctid in (
      select ctid from idempotent_answers
      where created_at < now() - make_interval(hours => ${ANSWERS_KEPT_HOURS}) limit ${limit})`.execute(db);
  return Number(numAffectedRows ?? 0);
}
