import type { CallerPolicy } from "../core/caller.ts";
import type { CallerLimits } from "../core/caller-limits.ts";
import type { TrunkBilling } from "../core/trunk.ts";
import type { Db } from "./database.ts";

/** A SIP trunk as the dialplan names it, with how its carrier counts and whom it lets in. */
export interface Trunk extends TrunkBilling, CallerPolicy, CallerLimits {
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
    .select(["hidden_callers as hiddenCallers", "unknown_callers as unknownCallers"])
    .select(["foreign_callers as foreignCallers", "home_codes as homeCodes"])
    .select(["caller_day_max as dayMaxRappen", "caller_month_max as monthMaxRappen"])
    .select(["caller_year_max as yearMaxRappen", "caller_calls_per_day_max as callsPerDayMax"])
    .where("name", "=", name)
    .executeTakeFirst();
  return row ?? null;
}
