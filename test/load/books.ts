import { sql } from "kysely";
import type { PaymentException, Status } from "../../core/transaction.ts";
import { type CallReport, compareCalls } from "../../db/compare-calls.ts";
import { eventually } from "../support/eventually.ts";
import type { Cdr, Exchange } from "../telephony/exchange.ts";
import type { Caller } from "./crowd.ts";

/** Until all books are closed and all of Asterisk's records imported, after the last call has ended. */
const CLOSED_WITHIN_MS = 90_000;

export interface BookedPulse {
  readonly sequence: number;
  readonly amountRappen: number;
  readonly bookedAtMs: number;
}

export interface BookedLeg {
  readonly uniqueid: string;
  /** To which the code bound it; null when none did. */
  readonly transactionId: string | null;
  readonly billedRappen: number;
  readonly ended: boolean;
  readonly endReason: string | null;
  readonly wrongCodes: number;
  readonly countsAfterMs: number;
  readonly pulses: readonly BookedPulse[];
  /** Asterisk's own record of the call; null when there is none. */
  readonly record: Cdr | null;
}

/** All that the books and Asterisk know of one caller. */
export interface BookedCall {
  readonly caller: Caller;
  readonly transaction: {
    readonly status: Status;
    readonly exception: PaymentException;
    readonly totalRappen: number;
    readonly billedRappen: number;
    /** Lines of its journal that say that it was paid. */
    readonly timesPaid: number;
  } | null;
  readonly legs: readonly BookedLeg[];
}

/** Waits until no leg is open and every record is imported; answers the legs that stay open all the same. */
export async function untilBooksClosed(exchange: Exchange): Promise<number> {
  const { db } = exchange;
  const openLegs = async () => {
    const open = await db.selectFrom("call_legs").select("id").where("ended_at", "is", null).execute();
    return open.length;
  };
  await eventually(async () => {
    const imported = await db.selectFrom("call_records").select(sql<number>`count(*)`.as("count")).executeTakeFirst();
    return (await openLegs()) === 0 && imported?.count === (await exchange.cdrs()).length;
  }, CLOSED_WITHIN_MS).catch(() => {}); // then what is missing is told call by call
  return openLegs();
}

export async function readBooks(exchange: Exchange, callers: readonly Caller[]): Promise<readonly BookedCall[]> {
  const { db } = exchange;
  const ids = callers.map(({ transactionId }) => transactionId);
  const ours = sql<boolean>`call_legs.caller = any(${callers.map(({ callerId }) => callerId)}::text[])`;
  const records = new Map((await exchange.cdrs()).map((record) => [record.uniqueid, record]));
  const transactions = await db
    .selectFrom("transactions")
    .select(["id", "status", "exception", "total", "billed"])
    .where(sql<boolean>`id = any(${ids}::uuid[])`)
    .execute();
  const legs = await db
    .selectFrom("call_legs")
    .select([
      "id",
      "caller",
      "transaction_id",
      "uniqueid",
      "billed",
      "ended_at",
      "end_reason",
      "wrong_codes",
      "counts_after_ms",
    ])
    .where(ours)
    .orderBy("id")
    .execute();
  const pulses = await db
    .selectFrom("pulses")
    .innerJoin("call_legs", "call_legs.id", "pulses.call_leg_id")
    .select(["pulses.call_leg_id", "pulses.sequence", "pulses.amount", "pulses.booked_at"])
    .where(ours)
    .orderBy("pulses.call_leg_id")
    .orderBy("pulses.sequence")
    .execute();
  const paid = await db
    .selectFrom("journal")
    .select("transaction_id")
    .where(sql<boolean>`transaction_id = any(${ids}::uuid[])`)
    .where("event", "in", ["transaction.paid", "transaction.paid_late"])
    .execute();

  const pulsesOfLeg = Map.groupBy(pulses, (pulse) => pulse.call_leg_id);
  const legsOf = Map.groupBy(legs, (leg) => leg.caller);
  const paidOf = Map.groupBy(paid, (line) => line.transaction_id.toUpperCase());
  const transactionOf = new Map(transactions.map((row) => [row.id.toUpperCase(), row]));
  return callers.map((caller) => {
    const row = transactionOf.get(caller.transactionId);
    return {
      caller,
      transaction: row
        ? {
            status: row.status,
            exception: row.exception,
            totalRappen: row.total,
            billedRappen: row.billed,
            timesPaid: paidOf.get(caller.transactionId)?.length ?? 0,
          }
        : null,
      legs: (legsOf.get(caller.callerId) ?? []).map((leg) => ({
        uniqueid: leg.uniqueid,
        transactionId: leg.transaction_id?.toUpperCase() ?? null,
        billedRappen: leg.billed,
        ended: leg.ended_at !== null,
        endReason: leg.end_reason,
        wrongCodes: leg.wrong_codes,
        countsAfterMs: leg.counts_after_ms,
        pulses: (pulsesOfLeg.get(leg.id) ?? []).map((pulse) => ({
          sequence: pulse.sequence,
          amountRappen: pulse.amount,
          bookedAtMs: pulse.booked_at.getTime(),
        })),
        record: records.get(leg.uniqueid) ?? null,
      })),
    };
  });
}

/** The comparison of `phone2pay reconcile calls`, of everything that has ended until now. */
export function reconcile({ db }: Exchange): Promise<CallReport> {
  return compareCalls(db, { since: new Date(0), until: new Date() }, 0);
}
