import { randomInt } from "node:crypto";
import { sql } from "kysely";
import { exceeds } from "../core/caller-limits.ts";
import { CODES_LIVE_MAX, drawCode } from "../core/code.ts";
import type { ErrorCode } from "../core/errors.ts";
import { isLockedOut } from "../core/lock-outs.ts";
import { TEST_TRUNK } from "../core/played-call.ts";
import type { Terms, Transaction } from "../core/transaction.ts";
import { applyPulses, requote, startCall, whyNotPayable } from "../core/transitions.ts";
import { readCallerRecord } from "./caller-record.ts";
import { type Db, type DbTransaction, databaseNow } from "./database.ts";
import { notifyChange } from "./notices.ts";
import { termsOfNumber } from "./numbers.ts";
import { changeWithin } from "./transactions.ts";
import { findTrunk } from "./trunks.ts";

/** A code that has run out, or was replaced, is kept from everyone else so long, so that a late caller never pays for a stranger. */
export const QUARANTINE_SECONDS = 300;

export interface LiveCode {
  readonly code: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

/** The code that the pay page shows now: not claimed, not replaced; it may have run out (see expiresAt). */
export async function findCode(db: Db | DbTransaction, transactionId: string): Promise<LiveCode | null> {
  return (await codesOfEach(db, [transactionId])).get(transactionId.toUpperCase()) ?? null;
}

/** The same for any number of transactions, by id; one without a code has no entry. */
export async function codesOfEach(
  db: Db | DbTransaction,
  transactionIds: readonly string[],
): Promise<ReadonlyMap<string, LiveCode>> {
  if (transactionIds.length === 0) return new Map();
  const rows = await db
    .selectFrom("codes")
    .select(["transaction_id as id", "code", "issued_at as issuedAt", "expires_at as expiresAt"])
    .where(sql<boolean>`transaction_id = any(${transactionIds}::uuid[])`)
    .where("retired_at", "is", null)
    .where("claimed_by", "is", null)
    .execute();
  return new Map(rows.map(({ id, ...code }) => [id.toUpperCase(), code]));
}

/**
 * Gives a transaction a fresh code in place of the one it had. If its number has another tariff by now, it is quoted
 * anew, so that the code stands beside the price that its call will have. Draws for one number queue on that number's row, so each
 * sees the codes before it; the four unique indexes on digits would refuse a draw that didn't.
 */
export async function issueCode(
  db: Db,
  request: {
    readonly transactionId: string;
    readonly lifeSeconds: number;
    /** A code that can still be keyed is answered again instead of being replaced: two views of one page show one code. */
    readonly keepLive?: boolean;
  },
): Promise<LiveCode | { readonly refusal: ErrorCode }> {
  return db.transaction().execute(async (trx) => {
    const held = await changeWithin(trx, request.transactionId, () => null);
    if (!held) return { refusal: "transaction_unknown" };
    const { id, number } = held.transaction;
    const now = await databaseNow(trx);
    const refusal = whyNotPayable(held.transaction, now);
    if (refusal) return { refusal };
    const terms = await termsOfNumber(trx, number);
    const isNewPrice = held.transaction.tariffId !== terms.tariffId;
    const requoted = isNewPrice ? await changeWithin(trx, id, requote(terms)) : null;
    if (requoted?.refusal) return { refusal: requoted.refusal };
    const live = request.keepLive ? await findCode(trx, id) : null;
    if (live && live.expiresAt > now && !isNewPrice) return live;

    await trx.selectFrom("smart_numbers").select("number").where("number", "=", number).forNoKeyUpdate().execute();
    await retireCodes(trx, number, id);
    const drawn = drawCode(await takenCodes(trx, number), (sides) => randomInt(sides));
    if (drawn === null) return { refusal: "codes_exhausted" };
    await notifyChange(trx, id); // other pages of this payment show a dead code now
    const life = sql<Date>`clock_timestamp() + make_interval(secs => ${request.lifeSeconds})`;
    return trx
      .insertInto("codes")
      .values({ number, code: drawn, transaction_id: id, expires_at: life, claimed_by: null })
      .returning(["code", "issued_at as issuedAt", "expires_at as expiresAt"])
      .executeTakeFirstOrThrow();
  });
}

/** Takes away the code that a transaction shows, unless a call has claimed it; its quarantine runs as if it had run out. */
export async function retireCode(trx: DbTransaction, transactionId: string): Promise<void> {
  await trx
    .updateTable("codes")
    .set({ retired_at: sql<Date>`clock_timestamp()` })
    .where("transaction_id", "=", transactionId)
    .where("retired_at", "is", null)
    .where("claimed_by", "is", null)
    .execute();
}

/** What a keyed code turned out to be; `over_limit`: the purchase is more than its caller may still spend. */
export type Claim =
  | { readonly outcome: "claimed"; readonly transaction: Transaction }
  | { readonly outcome: "unknown" | "expired" | "in_use" | "already_paid" | "over_limit" | "locked_out" };

/**
 * Binds a keyed code to a call leg, once: of two calls that key it at the same moment one wins. The transaction starts
 * its call, and what the leg was billed before the code was known is its credit. A code that is nobody's is counted on
 * the leg; a caller with too many of those is locked out, whatever they key. It bears being asked twice, since the
 * answer may be lost with the connection: a claim that this leg has won is answered again, a wrong code counted once.
 */
export async function claimCode(
  db: Db,
  request: Terms & {
    readonly leg: number;
    readonly epoch: number;
    readonly number: string;
    readonly code: string;
    /** Only lines without a carrier behind them may pay for test transactions: a real caller would be billed for nothing. */
    readonly testAllowed: boolean;
    /** Wrong codes of this leg before this one. */
    readonly wrongBefore: number;
  },
): Promise<Claim> {
  return db.transaction().execute(async (trx) => {
    const caller = await callerOfLeg(trx, request);
    if (isLockedOut(caller.record.wrong, caller.isKnown)) return { outcome: "locked_out" };
    const keyed = await trx
      .selectFrom("codes")
      .innerJoin("transactions", "transactions.id", "codes.transaction_id")
      .select(["codes.id", "codes.transaction_id", "codes.claimed_by", "transactions.test"])
      .select(sql<boolean>`codes.expires_at <= clock_timestamp()`.as("expired"))
      .where("codes.number", "=", request.number)
      .where("codes.code", "=", request.code)
      .where("codes.retired_at", "is", null)
      .executeTakeFirst();
    // To a played call a live transaction's code is nobody's, as a test transaction's is to a call that somebody bills.
    const isOfItsMode = keyed?.test ? request.testAllowed : caller.limits.name !== TEST_TRUNK;
    if (!keyed || !isOfItsMode) return countWrongCode(trx, request);

    // The transaction's row first, then the code, then the leg: the same order everywhere, so that nobody deadlocks.
    const held = await changeWithin(trx, keyed.transaction_id, () => null);
    // Asked again because the answer was lost on the way: it is ours.
    if (held && keyed.claimed_by === request.leg) return { outcome: "claimed", transaction: held.transaction };
    const now = await databaseNow(trx);
    const refusal = held && whyNotPayable(held.transaction, now);
    if (refusal === "transaction_already_paid") return { outcome: "already_paid" };
    if (refusal === "call_in_progress" || keyed.claimed_by !== null) return { outcome: "in_use" };
    if (!held || refusal || keyed.expired || !(await isPriceOfLeg(trx, held.transaction, request.leg)))
      return { outcome: "expired" };
    // The amount alone: what a tariff's steps add to it makes no purchase unpayable that could be opened.
    const costRappen = Math.max(1, held.transaction.amountRappen - held.transaction.billedRappen);
    if (exceeds(caller.limits, caller.record.spent, costRappen)) return { outcome: "over_limit" };

    const won = await trx
      .updateTable("codes")
      .set({ claimed_by: request.leg })
      .where("id", "=", keyed.id)
      .where("claimed_by", "is", null)
      .where("retired_at", "is", null)
      .returning("id")
      .executeTakeFirst();
    if (!won) return { outcome: "in_use" };
    const leg = await trx
      .updateTable("call_legs")
      .set({ transaction_id: keyed.transaction_id, claimed_at: sql<Date>`clock_timestamp()` })
      .where("id", "=", request.leg)
      .where("epoch", "=", request.epoch)
      .where("ended_at", "is", null)
      .returning("billed")
      .executeTakeFirst();
    if (!leg) throw new Error(`call leg ${request.leg} isn't ours any more`);
    const started = await changeWithin(trx, held.transaction.id, startCall({ ...request, billedRappen: leg.billed }));
    if (!started || started.refusal)
      throw new Error(`a payable transaction could not start its call: ${started?.refusal}`);
    const applied = await changeWithin(trx, held.transaction.id, applyPulses);
    return { outcome: "claimed", transaction: applied?.transaction ?? started.transaction };
  });
}

/** A price agreed is a price shown: the page showed the transaction's tariff, and the call is billed on its leg's. */
async function isPriceOfLeg(trx: DbTransaction, transaction: Transaction, leg: number): Promise<boolean> {
  const row = await trx.selectFrom("call_legs").select("tariff_id").where("id", "=", leg).executeTakeFirst();
  return row?.tariff_id === transaction.tariffId;
}

/**
 * The caller of a leg that is ours. All who key a code as one caller, or without a number on one number, queue here, so
 * that a hundred calls at once don't get a hundred times the tries, or spend one limit a hundred times.
 */
async function callerOfLeg(trx: DbTransaction, request: { readonly leg: number; readonly epoch: number }) {
  const leg = await trx
    .selectFrom("call_legs")
    .select(["uniqueid", "number", "trunk", "caller_hash as callerHash"])
    .where("id", "=", request.leg)
    .where("epoch", "=", request.epoch)
    .where("ended_at", "is", null)
    .executeTakeFirst();
  if (!leg) throw new Error(`call leg ${request.leg} isn't ours any more`);
  const queue = leg.callerHash?.toString("hex") ?? leg.number;
  await sql`select pg_advisory_xact_lock(hashtextextended(${queue}, 0))`.execute(trx);
  const limits = await findTrunk(trx, leg.trunk);
  if (!limits) throw new Error(`trunk ${leg.trunk} vanished`);
  return { isKnown: leg.callerHash !== null, limits, record: await readCallerRecord(trx, leg) };
}

async function countWrongCode(
  trx: DbTransaction,
  { leg, wrongBefore }: { readonly leg: number; readonly wrongBefore: number },
): Promise<Claim> {
  await trx
    .updateTable("call_legs")
    .set({ wrong_codes: wrongBefore + 1 })
    .where("id", "=", leg)
    .execute();
  return { outcome: "unknown" };
}

/** Retires the transaction's own unclaimed code, those whose quarantine is over, and those whose call has ended. */
async function retireCodes(trx: DbTransaction, number: string, transactionId: string): Promise<void> {
  await trx
    .updateTable("codes")
    .set({ retired_at: sql<Date>`clock_timestamp()` })
    .where("number", "=", number)
    .where("retired_at", "is", null)
    .where((eb) =>
      eb.or([
        eb("transaction_id", "=", transactionId).and("claimed_by", "is", null),
        eb("claimed_by", "is", null).and(
          "expires_at",
          "<",
          sql<Date>`clock_timestamp() - make_interval(secs => ${QUARANTINE_SECONDS})`,
        ),
        eb.exists(
          eb
            .selectFrom("call_legs")
            .select("call_legs.id")
            .whereRef("call_legs.id", "=", "codes.claimed_by")
            .where("ended_at", "is not", null),
        ),
      ]),
    )
    .execute();
}

/** Codes that a draw has to keep away from: the live ones, and those that a late caller may still have before their eyes. */
async function takenCodes(trx: DbTransaction, number: string): Promise<readonly string[]> {
  const recently = sql<Date>`clock_timestamp() - make_interval(secs => ${QUARANTINE_SECONDS})`;
  const rows = await trx
    .selectFrom("codes")
    .select("code")
    .where("number", "=", number)
    .where((eb) => eb.or([eb("retired_at", "is", null), eb("expires_at", ">", recently)]))
    .orderBy("id", "desc")
    .limit(2 * CODES_LIVE_MAX)
    .execute();
  return rows.map((row) => row.code);
}
