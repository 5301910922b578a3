import { type ExpressionBuilder, sql } from "kysely";
import type { Language } from "../core/messages.ts";
import type { Segment, Tariff } from "../core/tariff.ts";
import { tariffFaults } from "../core/tariff-rules.ts";
import type { Terms } from "../core/transaction.ts";
import type { Db } from "./database.ts";
import type { Database } from "./schema.ts";
import { findTrunk, TRUNK_COLUMNS, type Trunk } from "./trunks.ts";

/** A Smart Number in service with the tariff that its callers pay. */
export interface NumberInService {
  readonly number: string;
  readonly tariff: Tariff;
  readonly codeBeforeAnswer: boolean;
  readonly language: Language;
  /** Callers choose the language by a key, before the call is answered. */
  readonly languageMenu: boolean;
  /** Whether the carrier passes sound and keys before answer on this number. */
  readonly earlyMedia: boolean;
  /** Whose numbering plan and law it is under (ISO 3166), and by the rules of which day (ISO date). */
  readonly country: string;
  readonly rulesOn: string;
  /** The trunk over which its calls come, with its carrier's way of counting. */
  readonly trunk: Trunk;
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

/** The number as it was in service last, for a call that is under way on it; null when it never was. */
export async function findNumber(db: Db, number: string): Promise<NumberInService | null> {
  return (await numbersWhere(db, { number, outOfServiceToo: true }))[0] ?? null;
}

/** What a caller can be told by of a number that takes no calls now; null when it never did. */
export async function findClosedNumber(
  db: Db,
  number: string,
): Promise<Pick<NumberInService, "language" | "earlyMedia"> | null> {
  const row = await db
    .selectFrom("smart_numbers")
    .select(["language", "early_media as earlyMedia"])
    .where("number", "=", number)
    .executeTakeFirst();
  return row ?? null;
}

/** All numbers in service that a merchant holds. */
export async function numbersOfMerchant(db: Db, merchantId: number): Promise<readonly NumberInService[]> {
  return numbersWhere(db, { merchantId });
}

async function numbersWhere(
  db: Db,
  filter: { readonly number?: string; readonly merchantId?: number; readonly outOfServiceToo?: boolean },
): Promise<readonly NumberInService[]> {
  let query = db
    .selectFrom("smart_numbers as n")
    .leftJoin("number_allocations as a", (join) =>
      join.onRef("a.number", "=", "n.number").on("a.withdrawn_at", "is", null),
    )
    .innerJoin("trunks", "trunks.name", "n.trunk")
    .select(["n.number", "n.code_before_answer", "n.language", "n.language_menu", "n.early_media"])
    .select(["n.country", "n.rules_on"])
    .select((eb) => tariffInForce(eb))
    .select(TRUNK_COLUMNS)
    .orderBy("n.number");
  if (filter.outOfServiceToo) query = query.where("n.rules_on", "is not", null);
  else query = query.where("n.in_service", "=", true).where("a.merchant_id", "is not", null);
  if (filter.number !== undefined) query = query.where("n.number", "=", filter.number);
  if (filter.merchantId !== undefined) query = query.where("a.merchant_id", "=", filter.merchantId);
  const rows = await query.execute();
  return Promise.all(rows.map((row) => numberOf(db, row)));
}

/** Of the tariffs that a number `n` has by date, the one that counts now. */
function tariffInForce(eb: ExpressionBuilder<Database & { n: Database["smart_numbers"] }, "n">) {
  return eb
    .selectFrom("number_tariffs as v")
    .select("v.tariff_id")
    .whereRef("v.number", "=", "n.number")
    .where("v.valid_from", "<=", sql<Date>`now()`)
    .orderBy("v.valid_from", "desc")
    .limit(1)
    .as("tariff_id");
}

async function numberOf(db: Db, row: NumberRow): Promise<NumberInService> {
  const { number, code_before_answer, language, language_menu, early_media, country, rules_on, tariff_id, ...trunk } =
    row;
  if (tariff_id === null || rules_on === null) throw new Error(`${number} is in service without a tariff`);
  return {
    number,
    tariff: await findTariff(db, tariff_id),
    codeBeforeAnswer: code_before_answer,
    language,
    languageMenu: language_menu,
    earlyMedia: early_media,
    country,
    rulesOn: rules_on,
    trunk,
  };
}

interface NumberRow extends Trunk {
  readonly number: string;
  readonly code_before_answer: boolean;
  readonly language: Language;
  readonly language_menu: boolean;
  readonly early_media: boolean;
  readonly country: string;
  readonly rules_on: string | null;
  readonly tariff_id: number | null;
}

/** Writes a tariff (a new price is always a new row) and answers its id; refuses what can't be billed, with the reasons. */
export async function addTariff(
  db: Db,
  tariff: { readonly name: string; readonly segments: readonly Segment[] },
): Promise<number | { readonly refusal: "tariff_invalid"; readonly faults: readonly string[] }> {
  const faults = tariffFaults(tariff.segments);
  if (faults.length > 0) return { refusal: "tariff_invalid", faults };
  const row = await db
    .insertInto("tariffs")
    .values({ name: tariff.name, segments: JSON.stringify(tariff.segments) })
    .returning("id")
    .executeTakeFirstOrThrow();
  return row.id;
}

/** Whether the number was ever added, in service or not. */
export async function isNumberKnown(db: Db, number: string): Promise<boolean> {
  const row = await db.selectFrom("smart_numbers").select("number").where("number", "=", number).executeTakeFirst();
  return row !== undefined;
}

/** On which terms a call to the number is paid now, in service or not. */
export async function termsOfNumber(db: Db, number: string): Promise<Required<Terms> & { readonly tariffId: number }> {
  const row = await db
    .selectFrom("smart_numbers as n")
    .select(["n.code_before_answer", "n.trunk"])
    .select((eb) => tariffInForce(eb))
    .where("n.number", "=", number)
    .executeTakeFirstOrThrow();
  const trunk = await findTrunk(db, row.trunk);
  if (row.tariff_id === null || !trunk) throw new Error(`${number} has no tariff or no trunk`);
  const { id, segments } = await findTariff(db, row.tariff_id);
  return { tariffId: id, segments, codeBeforeAnswer: row.code_before_answer, trunk };
}
