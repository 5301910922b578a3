import { sql } from "kysely";
import { endLeg, findLeg } from "./call-legs.ts";
import type { Db } from "./database.ts";
import { codeIsKeyedBeforeAnswer, findTariff } from "./numbers.ts";
import { LEASE_SECONDS } from "./pulses.ts";

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

/**
 * Closes a leg whose call is over and whose worker has been silent for `silentSeconds`; answers false, and changes
 * nothing, when it has ended or somebody still looks after it. What was booked stays; what wasn't is found by comparing
 * with Asterisk's own call records.
 */
export async function closeSilentLeg(
  db: Db,
  silent: {
    readonly uniqueid: string;
    readonly silentSeconds: number;
    readonly worker: string;
    readonly reason: string;
  },
): Promise<boolean> {
  // A lease runs out so long after it was renewed last.
  const renewedBefore = sql<Date>`clock_timestamp() + make_interval(secs => ${LEASE_SECONDS - silent.silentSeconds})`;
  const taken = await db
    .updateTable("call_legs")
    .set((eb) => ({ epoch: eb("epoch", "+", 1), owner: silent.worker }))
    .where("uniqueid", "=", silent.uniqueid)
    .where("ended_at", "is", null)
    .where("lease_until", "<", renewedBefore)
    .returning("id")
    .executeTakeFirst();
  const leg = taken ? await findLeg(db, silent.uniqueid) : null;
  if (!leg) return false;
  const { segments } = await findTariff(db, leg.tariffId);
  return endLeg(db, {
    leg: leg.id,
    epoch: leg.epoch,
    reason: silent.reason,
    durationMs: null,
    lastPulses: null,
    segments,
    codeBeforeAnswer: await codeIsKeyedBeforeAnswer(db, leg.number),
  });
}
