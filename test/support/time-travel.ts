import { sql } from "kysely";
import type { Db } from "../../db/database.ts";

/** Lets time pass for all transactions: every moment of theirs lies so much further back. Constraints hold, triggers rest. */
export async function shiftBack(db: Db, ms: number): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`set local session_replication_role = replica`.execute(trx);
    const columns = ["created_at", "expires_at", "resumable_until", "expired_at", "paid_at", "confirmed_at"];
    columns.push("redeemed_at", "cancelled_at", "access_after", "amount_chosen_at");
    const moved = columns.map((name) => `${name} = ${name} - interval '${ms} milliseconds'`);
    await sql.raw(`update transactions set ${moved.join(", ")}`).execute(trx);
  });
}
