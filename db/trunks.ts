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

/** What a query selects that joins `trunks`. */
export const TRUNK_COLUMNS = [
  "trunks.name",
  "trunks.billed",
  "trunks.duration_rounding as durationRounding",
  "trunks.guard_after_pulse_ms as guardAfterPulseMs",
  "trunks.guard_before_pulse_ms as guardBeforePulseMs",
  "trunks.total_rounding as totalRoundingRappen",
  "trunks.hidden_callers as hiddenCallers",
  "trunks.unknown_callers as unknownCallers",
  "trunks.foreign_callers as foreignCallers",
  "trunks.home_codes as homeCodes",
  "trunks.caller_day_max as dayMaxRappen",
  "trunks.caller_month_max as monthMaxRappen",
  "trunks.caller_year_max as yearMaxRappen",
  "trunks.caller_calls_per_day_max as callsPerDayMax",
] as const;

/** Null: no trunk has this name. */
export async function findTrunk(db: Db, name: string): Promise<Trunk | null> {
  const row = await db.selectFrom("trunks").select(TRUNK_COLUMNS).where("name", "=", name).executeTakeFirst();
  return row ?? null;
}
