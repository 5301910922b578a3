import { sql } from "kysely";
import type { Tariff } from "../core/tariff.ts";
import type { Db } from "./database.ts";
import { findTariff } from "./numbers.ts";

/** A tariff that will count for a number's calls from a moment on. */
export interface TariffChange {
  readonly tariff: Tariff;
  readonly from: Date;
}

/**
 * Gives a number another tariff, at once (`from` null) or from a moment that lies ahead; what was planned for that same
 * moment is replaced. A price in force is history: calls that began under it keep it, and no date in the past is taken.
 */
export async function changeTariff(
  db: Db,
  change: { readonly number: string; readonly tariffId: number; readonly from: Date | null },
): Promise<{ readonly refusal: "tariff_date_past" } | null> {
  const { number, tariffId: tariff_id, from } = change;
  return db.transaction().execute(async (trx) => {
    await trx.selectFrom("smart_numbers").select("number").where("number", "=", number).forNoKeyUpdate().execute();
    if (from === null) {
      await trx.insertInto("number_tariffs").values({ number, tariff_id }).execute();
      return null;
    }
    const ahead = await trx.selectNoFrom(sql<boolean>`${from}::timestamptz > now()`.as("ahead")).executeTakeFirst();
    if (!ahead?.ahead) return { refusal: "tariff_date_past" };
    await trx.deleteFrom("number_tariffs").where("number", "=", number).where("valid_from", "=", from).execute();
    await trx.insertInto("number_tariffs").values({ number, tariff_id, valid_from: from }).execute();
    return null;
  });
}

/** What is planned for a number, soonest first. */
export async function upcomingTariffs(db: Db, number: string): Promise<readonly TariffChange[]> {
  const rows = await db
    .selectFrom("number_tariffs")
    .select(["tariff_id", "valid_from"])
    .where("number", "=", number)
    .where("valid_from", ">", sql<Date>`now()`)
    .orderBy("valid_from")
    .execute();
  return Promise.all(rows.map(async (row) => ({ tariff: await findTariff(db, row.tariff_id), from: row.valid_from })));
}
