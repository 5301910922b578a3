import { sql } from "kysely";
import type { Language } from "../core/messages.ts";
import type { Segment, Tariff } from "../core/tariff.ts";
import type { Db } from "./database.ts";

/** A Smart Number in service with the tariff that its callers pay. */
export interface NumberInService {
  readonly number: string;
  readonly tariff: Tariff;
  readonly codeBeforeAnswer: boolean;
  readonly language: Language;
  /** Codes that may be keyed on it now. */
  readonly liveCodes: number;
}

/** Tariffs never change, so each is read once and its staircase is climbed once. */
const tariffs = new Map<number, Tariff>();

export async function findTariff(db: Db, id: number): Promise<Tariff> {
  const known = tariffs.get(id);
  if (known) return known;
  const row = await db
    .selectFrom("tariffs")
    .select(["id", "name", "segments"])
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  tariffs.set(id, row);
  return row;
}

/** The number as the voice server needs it, or null when it is unknown, out of service or allocated to nobody. */
export async function findNumberInService(db: Db, number: string): Promise<NumberInService | null> {
  return (await numbersWhere(db, { number }))[0] ?? null;
}

/** All numbers in service that a merchant holds. */
export async function numbersOfMerchant(db: Db, merchantId: number): Promise<readonly NumberInService[]> {
  return numbersWhere(db, { merchantId });
}

async function numbersWhere(
  db: Db,
  filter: { readonly number?: string; readonly merchantId?: number },
): Promise<readonly NumberInService[]> {
  let query = db
    .selectFrom("smart_numbers as n")
    .innerJoin("number_allocations as a", (join) =>
      join.onRef("a.number", "=", "n.number").on("a.withdrawn_at", "is", null),
    )
    .select(["n.number", "n.tariff_id", "n.code_before_answer", "n.language"])
    .select((eb) =>
      eb
        .selectFrom("codes as c")
        .select(sql<number>`count(*)`.as("live"))
        .whereRef("c.number", "=", "n.number")
        .where("c.retired_at", "is", null)
        .as("live_codes"),
    )
    .where("n.in_service", "=", true)
    .orderBy("n.number");
  if (filter.number !== undefined) query = query.where("n.number", "=", filter.number);
  if (filter.merchantId !== undefined) query = query.where("a.merchant_id", "=", filter.merchantId);
  const rows = await query.execute();
  return Promise.all(
    rows.map(async (row) => ({
      number: row.number,
      tariff: await findTariff(db, row.tariff_id),
      codeBeforeAnswer: row.code_before_answer,
      language: row.language,
      liveCodes: Number(row.live_codes ?? 0),
    })),
  );
}

/** Writes a tariff (a new price is always a new row) and answers its id. */
export async function addTariff(
  db: Db,
  tariff: { readonly name: string; readonly segments: readonly Segment[] },
): Promise<number> {
  const row = await db
    .insertInto("tariffs")
    .values({ name: tariff.name, segments: JSON.stringify(tariff.segments) })
    .returning("id")
    .executeTakeFirstOrThrow();
  return row.id;
}

/** Puts a number into service with a tariff and allocates it to a merchant. */
export async function addNumber(
  db: Db,
  entry: {
    readonly number: string;
    readonly tariffId: number;
    readonly merchantId: number;
    readonly codeBeforeAnswer: boolean;
    readonly language: Language;
  },
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto("smart_numbers")
      .values({
        number: entry.number,
        tariff_id: entry.tariffId,
        code_before_answer: entry.codeBeforeAnswer,
        language: entry.language,
      })
      .execute();
    await trx
      .insertInto("number_allocations")
      .values({ number: entry.number, merchant_id: entry.merchantId })
      .execute();
  });
}

/** Whether the number was ever put into service. */
export async function isNumberKnown(db: Db, number: string): Promise<boolean> {
  const row = await db.selectFrom("smart_numbers").select("number").where("number", "=", number).executeTakeFirst();
  return row !== undefined;
}

export async function codeIsKeyedBeforeAnswer(db: Db, number: string): Promise<boolean> {
  const row = await db
    .selectFrom("smart_numbers")
    .select("code_before_answer")
    .where("number", "=", number)
    .executeTakeFirstOrThrow();
  return row.code_before_answer;
}
