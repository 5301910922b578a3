import type { TrunkBilling } from "../core/trunk.ts";
import type { Db } from "./database.ts";

/** A SIP trunk as the dialplan names it, with how its carrier counts. */
export interface Trunk extends TrunkBilling {
  readonly name: string;
  /** False: nobody bills its calls (demo, tests). */
  readonly billed: boolean;
}

/** Null: no trunk has this name. */
export async function findTrunk(db: Db, name: string): Promise<Trunk | null> {
  const row = await db
    .selectFrom("trunks")
    .select([
      "name",
      "billed",
      "duration_rounding as durationRounding",
      "guard_after_pulse_ms as guardAfterPulseMs",
      "guard_before_pulse_ms as guardBeforePulseMs",
      "total_rounding as totalRoundingRappen",
    ])
    .where("name", "=", name)
    .executeTakeFirst();
  return row ?? null;
}
