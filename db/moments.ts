import { sql } from "kysely";
import type { Db } from "./database.ts";

/** What an answer about transactions adds to their rows: the database's clock, and the codes that can be keyed now. */
export interface Moment {
  readonly now: Date;
  /** By transaction id; without an entry, no code of the transaction is alive. */
  readonly codes: ReadonlyMap<string, { readonly code: string; readonly expiresAt: Date }>;
}

/** One question for any number of transactions, so that a page of a list costs no more than a single one. */
export async function readMoment(db: Db, transactionIds: readonly string[]): Promise<Moment> {
  const { rows } = await sql<MomentRow>`
    select clock.now, c.transaction_id as id, c.code, c.expires_at as "expiresAt"
    from (select clock_timestamp() as now) as clock
    left join codes c on c.transaction_id = any(${transactionIds}::uuid[])
      and c.retired_at is null and c.claimed_by is null and c.expires_at > clock.now`.execute(db);
  const first = rows[0];
  if (!first) throw new Error("the database did not tell the time");
  const codes = new Map<string, { readonly code: string; readonly expiresAt: Date }>();
  for (const { id, code, expiresAt } of rows)
    if (id !== null && code !== null && expiresAt !== null) codes.set(id.toUpperCase(), { code, expiresAt });
  return { now: first.now, codes };
}

interface MomentRow {
  readonly now: Date;
  readonly id: string | null;
  readonly code: string | null;
  readonly expiresAt: Date | null;
}
