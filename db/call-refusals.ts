import type { RefusalReason } from "../core/refusals.ts";
import type { Db } from "./database.ts";
import { swissDay } from "./swiss-time.ts";

/** Counts a refused call to its day, number and reason. */
export async function countRefusal(
  db: Db,
  refused: { readonly number: string; readonly reason: RefusalReason },
): Promise<void> {
  const { reason } = refused;
  await db
    .insertInto("call_refusals")
    .values({ day: swissDay(), number: reason === "number_unallocated" ? "" : refused.number, reason })
    .onConflict((conflict) =>
      conflict.columns(["day", "number", "reason"]).doUpdateSet((eb) => ({ calls: eb("call_refusals.calls", "+", 1) })),
    )
    .execute();
}
