import { sql } from "kysely";
import type { Rappen } from "../core/money.ts";
import type { Db } from "./database.ts";

/**
 * Uniqueids of the open legs of one Asterisk, those first that nobody has looked after for longest. Asterisk puts its
 * `systemname` and a hyphen before each uniqueid; without a name (the empty text) a uniqueid is a time and a number.
 */
export async function openLegs(db: Db, systemName: string, limit: number): Promise<readonly string[]> {
  const rows = await openOn(db, systemName).orderBy("lease_until").limit(limit).execute();
  return rows.map((row) => row.uniqueid);
}

/** Answered legs that are open on one Asterisk, and what each has been billed so far, newest first. */
export async function billedOfOpenLegs(
  db: Db,
  systemName: string,
  limit: number,
): Promise<readonly { readonly uniqueid: string; readonly billedRappen: Rappen }[]> {
  return openOn(db, systemName)
    .select("billed as billedRappen")
    .where("answered_at", "is not", null)
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
}

function openOn(db: Db, systemName: string) {
  const prefix = systemName === "" ? "" : `${systemName}-`;
  return db
    .selectFrom("call_legs")
    .select("uniqueid")
    .where("ended_at", "is", null)
    .where(sql<boolean>`starts_with(uniqueid, ${prefix})`)
    .where(sql<boolean>`substr(uniqueid, length(${prefix}::text) + 1) ~ '^[0-9]+[.][0-9]+$'`);
}
