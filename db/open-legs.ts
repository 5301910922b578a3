import { sql } from "kysely";
import type { Db } from "./database.ts";

/**
 * Uniqueids of the open legs of one Asterisk, those first that nobody has looked after for longest. Asterisk puts its
 * `systemname` and a hyphen before each uniqueid; without a name (the empty text) a uniqueid is a time and a number.
 */
export async function openLegs(db: Db, systemName: string, limit: number): Promise<readonly string[]> {
  const prefix = systemName === "" ? "" : `${systemName}-`;
  const rows = await db
    .selectFrom("call_legs")
    .select("uniqueid")
    .where("ended_at", "is", null)
    .where(sql<boolean>`starts_with(uniqueid, ${prefix})`)
    .where(sql<boolean>`substr(uniqueid, length(${prefix}::text) + 1) ~ '^[0-9]+[.][0-9]+$'`)
    .orderBy("lease_until")
    .limit(limit)
    .execute();
  return rows.map((row) => row.uniqueid);
}
