import { sql } from "kysely";
import { TEST_TRUNK } from "../core/played-call.ts";
import type { Terms, Transaction } from "../core/transaction.ts";
import { endCall } from "../core/transitions.ts";
import type { Db, DbTransaction } from "./database.ts";
import { bookWithin, type DuePulses, LEASE_SECONDS } from "./pulses.ts";
import { changeWithin } from "./transactions.ts";

/** One inbound channel, known by Asterisk's uniqueid. */
export interface CallLeg {
  readonly id: number;
  readonly uniqueid: string;
  readonly number: string;
  /** Grows with each owner; a booking under an older epoch books nothing. */
  readonly epoch: number;
  readonly tariffId: number;
  /** How long after it has fallen a pulse of this call counts, by the trunk's way of rounding when the call came. */
  readonly countsAfterMs: number;
  readonly transactionId: string | null;
  readonly billedRappen: number;
  readonly wrongCodes: number;
  /** By the database's clock: how long ago the call was answered; null before. */
  readonly answeredMsAgo: number | null;
  readonly ended: boolean;
}

/**
 * Opens the leg of a channel, or takes it over from the process that served it before (whose bookings are refused from
 * now on). An ended leg is answered as it is.
 */
export async function openLeg(
  db: Db,
  call: {
    readonly uniqueid: string;
    readonly number: string;
    readonly tariffId: number;
    readonly trunk: string;
    readonly countsAfterMs: number;
    readonly owner: string;
    readonly caller: string | null;
    readonly callerHash: Buffer | null;
  },
): Promise<CallLeg> {
  await sql`
    insert into call_legs (uniqueid, number, tariff_id, trunk, counts_after_ms, owner, caller, caller_hash, lease_until)
    values (${call.uniqueid}, ${call.number}, ${call.tariffId}, ${call.trunk}, ${call.countsAfterMs}, ${call.owner}, ${call.caller}, ${call.callerHash},
            clock_timestamp() + make_interval(secs => ${LEASE_SECONDS}))
    on conflict (uniqueid) do update
      set epoch = call_legs.epoch + 1, owner = excluded.owner, lease_until = excluded.lease_until
      where call_legs.ended_at is null`.execute(db);
  const leg = await findLeg(db, call.uniqueid);
  if (!leg) throw new Error(`call leg ${call.uniqueid} vanished`);
  return leg;
}

export async function findLeg(db: Db, uniqueid: string): Promise<CallLeg | null> {
  const row = await db
    .selectFrom("call_legs")
    .select(["id", "uniqueid", "number", "epoch", "tariff_id", "counts_after_ms", "transaction_id", "billed"])
    .select(["wrong_codes", "ended_at"])
    .select(
      sql<number | null>`(extract(epoch from clock_timestamp() - answered_at) * 1000)::float8`.as("answered_ms_ago"),
    )
    .where("uniqueid", "=", uniqueid)
    .executeTakeFirst();
  if (!row) return null;
  return {
    id: row.id,
    uniqueid: row.uniqueid,
    number: row.number,
    epoch: row.epoch,
    tariffId: row.tariff_id,
    countsAfterMs: row.counts_after_ms,
    transactionId: row.transaction_id?.toUpperCase() ?? null,
    billedRappen: row.billed,
    wrongCodes: row.wrong_codes,
    answeredMsAgo: row.answered_ms_ago,
    ended: row.ended_at !== null,
  };
}

/** Notes when the call was answered: `msAgo` before now, as the channel tells it. */
export async function answerLeg(
  db: Db,
  leg: { readonly id: number; readonly epoch: number; readonly msAgo: number },
): Promise<void> {
  await db
    .updateTable("call_legs")
    .set({ answered_at: sql<Date>`clock_timestamp() - make_interval(secs => ${leg.msAgo / 1_000})` })
    .where("id", "=", leg.id)
    .where("epoch", "=", leg.epoch)
    .where("answered_at", "is", null)
    .execute();
}

/**
 * Closes a leg once, with its last pulses, its length and its reason; an unpaid transaction is open again. Answers false
 * when it was closed before or belongs to another owner now, in which case nothing is written.
 */
export async function endLeg(
  db: Db,
  end: Terms & {
    readonly leg: number;
    readonly epoch: number;
    readonly reason: string;
    /** From answer to hang-up; null when the call was never answered or its end isn't known. */
    readonly durationMs: number | null;
    readonly lastPulses: DuePulses | null;
  },
): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    if (end.lastPulses) await bookWithin(trx, [end.lastPulses]);
    const leg = await trx
      .updateTable("call_legs")
      .set({
        ended_at: sql<Date>`clock_timestamp()`,
        duration_ms: end.durationMs === null ? null : Math.max(0, Math.round(end.durationMs)),
        end_reason: end.reason,
      })
      .where("id", "=", end.leg)
      .where("epoch", "=", end.epoch)
      .where("ended_at", "is", null)
      .returning("transaction_id")
      .executeTakeFirst();
    if (!leg) return false;
    if (leg.transaction_id) await changeWithin(trx, leg.transaction_id, endCall(end));
    return true;
  });
}

/** Makes this process the owner of a leg, unless it has ended or somebody has looked after it within `silentSeconds`. */
export async function takeOverAbandonedLeg(
  db: Db,
  abandoned: { readonly uniqueid: string; readonly worker: string; readonly silentSeconds?: number },
): Promise<CallLeg | null> {
  // A lease runs out so long after it was renewed last.
  const renewedBefore = sql<Date>`clock_timestamp() + make_interval(secs => ${LEASE_SECONDS - (abandoned.silentSeconds ?? 0)})`;
  const taken = await db
    .updateTable("call_legs")
    .set((eb) => ({
      epoch: eb("epoch", "+", 1),
      owner: abandoned.worker,
      lease_until: sql<Date>`clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})`,
    }))
    .where("uniqueid", "=", abandoned.uniqueid)
    .where("ended_at", "is", null)
    .$if(abandoned.silentSeconds !== undefined, (query) => query.where("lease_until", "<", renewedBefore))
    .returning("id")
    .executeTakeFirst();
  return taken ? findLeg(db, abandoned.uniqueid) : null;
}

/** Uniqueids of legs that nobody has looked after for `seconds`, oldest first; those of played calls alone, if told so. */
export async function abandonedLegs(
  db: Db,
  seconds: number,
  limit: number,
  only: { readonly played: boolean } = { played: false },
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom("call_legs")
    .select("uniqueid")
    .where("ended_at", "is", null)
    .where("lease_until", "<", sql<Date>`clock_timestamp() - make_interval(secs => ${seconds})`)
    .$if(only.played, (query) => query.where("trunk", "=", TEST_TRUNK))
    .orderBy("lease_until")
    .limit(limit)
    .execute();
  return rows.map((row) => row.uniqueid);
}

/** The calls of a transaction that are over and brought something, and what they brought together: its credit. */
export interface CallsBefore {
  readonly callsBefore: number;
  readonly creditRappen: number;
}

/** What earlier calls have brought for a transaction: the credit that this leg starts from. */
export async function creditBefore(db: Db, transactionId: string, leg: number): Promise<CallsBefore> {
  const row = await db
    .selectFrom("call_legs")
    .select(sql<string>`coalesce(sum(billed), 0)`.as("credit"))
    .select(sql<string>`count(*) filter (where billed > 0)`.as("calls"))
    .where("transaction_id", "=", transactionId)
    .where("id", "<>", leg)
    .executeTakeFirstOrThrow();
  return { callsBefore: Number(row.calls), creditRappen: Number(row.credit) };
}

/** The same for any number of transactions, by id, of calls that are over; one without such a call has no entry. */
export async function creditsOf(db: Db, transactionIds: readonly string[]): Promise<ReadonlyMap<string, CallsBefore>> {
  const rows = await db
    .selectFrom("call_legs")
    .select("transaction_id as id")
    .select(sql<string>`sum(billed)`.as("credit"))
    .select(sql<string>`count(*)`.as("calls"))
    .where(sql<boolean>`transaction_id = any(${transactionIds}::uuid[])`)
    .where("ended_at", "is not", null)
    .where("billed", ">", 0)
    .groupBy("transaction_id")
    .execute();
  return new Map(
    rows.map((row) => [
      (row.id ?? "").toUpperCase(),
      { callsBefore: Number(row.calls), creditRappen: Number(row.credit) },
    ]),
  );
}

/** Renews the leases of all legs of a worker in one statement. */
export async function renewLeases(
  db: Db | DbTransaction,
  legs: readonly { readonly leg: number; readonly epoch: number }[],
): Promise<void> {
  await sql`
    update call_legs l set lease_until = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})
    from unnest(${legs.map((held) => held.leg)}::bigint[], ${legs.map((held) => held.epoch)}::integer[]) as held (leg, epoch)
    where l.id = held.leg and l.epoch = held.epoch and l.ended_at is null`.execute(db);
}

/** A call as the receipt and the story of a transaction tell it. */
export interface CallOfTransaction {
  readonly startedAt: Date;
  readonly answeredAt: Date | null;
  readonly endedAt: Date | null;
  readonly durationMs: number | null;
  readonly billedRappen: number;
  readonly endReason: string | null;
}

const CALL_COLUMNS = [
  "started_at as startedAt",
  "answered_at as answeredAt",
  "ended_at as endedAt",
  "duration_ms as durationMs",
  "billed as billedRappen",
  "end_reason as endReason",
] as const;

/** The calls that paid for a transaction, in order. */
export async function callsOf(db: Db, transaction: Pick<Transaction, "id">): Promise<readonly CallOfTransaction[]> {
  return db
    .selectFrom("call_legs")
    .select(CALL_COLUMNS)
    .where("transaction_id", "=", transaction.id)
    .orderBy("id")
    .execute();
}

/** The same for any number of transactions, by id; one without a call has no entry. */
export async function callsOfEach(
  db: Db,
  transactionIds: readonly string[],
): Promise<ReadonlyMap<string, readonly CallOfTransaction[]>> {
  if (transactionIds.length === 0) return new Map();
  const rows = await db
    .selectFrom("call_legs")
    .select("transaction_id as transactionId")
    .select(CALL_COLUMNS)
    .where(sql<boolean>`transaction_id = any(${transactionIds}::uuid[])`)
    .orderBy("id")
    .execute();
  const calls = new Map<string, CallOfTransaction[]>();
  for (const { transactionId, ...call } of rows) {
    const id = (transactionId ?? "").toUpperCase();
    calls.set(id, [...(calls.get(id) ?? []), call]);
  }
  return calls;
}
