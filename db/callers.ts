import { sql } from "kysely";
import type { Db } from "./database.ts";

/** A caller who may not pay here. The number itself isn't kept, only a hash to know it again. */
export interface BarredCaller {
  /** Its last two digits, for people who look. */
  readonly numberHint: string;
  readonly reason: string;
  readonly barredBy: string;
  readonly since: Date;
  /** Null: for good. */
  readonly until: Date | null;
}

/** Most callers that one list shows. */
const LIST_ROWS_MAX = 1_000;

/** Bars a caller from now on, for `days` or for good; one who is barred already is barred anew. */
export async function barCaller(
  db: Db,
  caller: Pick<BarredCaller, "numberHint" | "reason" | "barredBy"> & {
    readonly callerHash: Buffer;
    readonly days: number | null;
  },
): Promise<void> {
  const entry = {
    number_hint: caller.numberHint,
    reason: caller.reason,
    barred_by: caller.barredBy,
    since: sql<Date>`clock_timestamp()`,
    until: caller.days === null ? null : sql<Date>`clock_timestamp() + make_interval(days => ${caller.days})`,
  };
  await db
    .insertInto("barred_callers")
    .values({ caller_hash: caller.callerHash, ...entry })
    .onConflict((conflict) => conflict.column("caller_hash").doUpdateSet(entry))
    .execute();
}

/** Answers false when the caller wasn't barred. */
export async function unbarCaller(db: Db, callerHash: Buffer): Promise<boolean> {
  const gone = await db
    .deleteFrom("barred_callers")
    .where("caller_hash", "=", callerHash)
    .returning("caller_hash")
    .executeTakeFirst();
  return gone !== undefined;
}

/** Who is barred now, the latest first. */
export async function barredCallers(db: Db): Promise<readonly BarredCaller[]> {
  return db
    .selectFrom("barred_callers")
    .select(["number_hint as numberHint", "reason", "barred_by as barredBy"])
    .select(["since", "until"])
    .where((eb) => eb.or([eb("until", "is", null), eb("until", ">", sql<Date>`clock_timestamp()`)]))
    .orderBy("since", "desc")
    .limit(LIST_ROWS_MAX)
    .execute();
}
