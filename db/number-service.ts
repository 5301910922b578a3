import { sql } from "kysely";
import { arePastRules, type BrokenRule, brokenRules, type CheckedNumber } from "../core/country-rules.ts";
import type { Language } from "../core/messages.ts";
import type { Tariff } from "../core/tariff.ts";
import type { Db, DbTransaction } from "./database.ts";
import { findTariff } from "./numbers.ts";

/** Why a number may not be in service, rule by rule. */
export interface ServiceRefusal {
  readonly refusal: "number_breaks_profile";
  readonly broken: readonly BrokenRule[];
}

/** Days are those of the numbers' regulator. */
const TODAY = sql<string>`(now() at time zone 'Europe/Zurich')::date`;

/**
 * Puts a number into service if its tariff, and those that are planned for it, keep the rules of its country. `on` (ISO
 * date) puts it under the rules of a past day, which only lines that nobody bills may be; without it today's count.
 * Null: it is in service.
 */
export async function putIntoService(
  db: Db,
  request: { readonly number: string; readonly on?: string | undefined },
): Promise<ServiceRefusal | null> {
  const { number, on } = request;
  return db.transaction().execute(async (trx) => {
    const candidate = await lockNumber(trx, number);
    return enterService(trx, { ...candidate, rulesOn: on ?? candidate.today }, await tariffsFromNowOn(trx, number));
  });
}

/** Adds a number with its tariff, allocates it to a merchant and puts it into service; what may not be in service isn't added. */
export async function addNumber(
  db: Db,
  entry: {
    readonly number: string;
    readonly tariffId: number;
    readonly merchantId: number;
    readonly codeBeforeAnswer: boolean;
    readonly language: Language;
    /** ISO date of the rules that it is under; today's unless told otherwise. */
    readonly rulesOn?: string;
    readonly trunk?: string;
    readonly country?: string;
    readonly earlyMedia?: boolean;
    readonly languageMenu?: boolean;
  },
): Promise<ServiceRefusal | null> {
  const { number, trunk = "carrier", country = "CH", earlyMedia = true, languageMenu = false } = entry;
  const { codeBeforeAnswer, language } = entry;
  return db.transaction().execute(async (trx) => {
    const line = await trx
      .selectFrom("trunks")
      .select(["billed", TODAY.as("today")])
      .where("name", "=", trunk)
      .executeTakeFirstOrThrow();
    const rulesOn = entry.rulesOn ?? line.today;
    const candidate = { number, country, codeBeforeAnswer, earlyMedia, languageMenu, rulesOn, ...line };
    const tariff = await findTariff(trx, entry.tariffId);
    const refusal = refusalOf(candidate, [tariff]);
    if (refusal) return refusal;
    const keying = {
      code_before_answer: codeBeforeAnswer,
      early_media: earlyMedia,
      language,
      language_menu: languageMenu,
    };
    await trx
      .insertInto("smart_numbers")
      .values({ number, country, trunk, rules_on: null, ...keying })
      .execute();
    await trx.insertInto("number_tariffs").values({ number, tariff_id: tariff.id }).execute();
    await trx.insertInto("number_allocations").values({ number, merchant_id: entry.merchantId }).execute();
    return enterService(trx, candidate, [tariff]);
  });
}

/** Why a number can't have another tariff. Null: it can, or it is out of service and will be asked when it comes back. */
export async function whyNotTariff(
  trx: DbTransaction,
  change: { readonly number: string; readonly tariffId: number },
): Promise<ServiceRefusal | null> {
  const held = await lockNumber(trx, change.number);
  if (!held.inService || held.inServiceUnder === null) return null;
  // A line that is billed keeps today's rules with each new price, whatever it began under.
  const rulesOn = held.billed ? held.today : held.inServiceUnder;
  return refusalOf({ ...held, rulesOn }, [await findTariff(trx, change.tariffId)]);
}

/** A number that wants to be in service, and the day whose rules it wants to be under. */
interface Candidate extends Omit<CheckedNumber, "segments"> {
  readonly billed: boolean;
  readonly today: string;
  readonly rulesOn: string;
}

/** The ONE place that writes a number into service, after its rules were checked. */
async function enterService(
  trx: DbTransaction,
  candidate: Candidate,
  tariffs: readonly Tariff[],
): Promise<ServiceRefusal | null> {
  const refusal = refusalOf(candidate, tariffs);
  if (refusal) return refusal;
  await trx
    .updateTable("smart_numbers")
    .set({ in_service: true, rules_on: candidate.rulesOn })
    .where("number", "=", candidate.number)
    .execute();
  return null;
}

function refusalOf(candidate: Candidate, tariffs: readonly Tariff[]): ServiceRefusal | null {
  const { country, rulesOn, today, billed } = candidate;
  if (tariffs.length === 0) throw new Error(`${candidate.number} has no tariff`);
  const broken = tariffs.flatMap(({ segments }) => brokenRules({ ...candidate, segments }, rulesOn));
  if (billed && arePastRules(country, rulesOn, today)) {
    const message = `the rules of ${rulesOn} have been replaced, and calls to this number are billed`;
    broken.push({ rule: "past_rules", message });
  }
  return broken.length > 0 ? { refusal: "number_breaks_profile", broken } : null;
}

async function lockNumber(trx: DbTransaction, number: string) {
  return trx
    .selectFrom("smart_numbers as n")
    .innerJoin("trunks as t", "t.name", "n.trunk")
    .select(["n.number", "n.country", "n.code_before_answer as codeBeforeAnswer", "n.early_media as earlyMedia"])
    .select(["n.language_menu as languageMenu", "n.in_service as inService", "n.rules_on as inServiceUnder"])
    .select(["t.billed", TODAY.as("today")])
    .where("n.number", "=", number)
    .forNoKeyUpdate("n")
    .executeTakeFirstOrThrow();
}

/** The tariff in force and all that are planned, so that no date brings a number out of the law; none where none is in force. */
async function tariffsFromNowOn(trx: DbTransaction, number: string): Promise<readonly Tariff[]> {
  const rows = await trx
    .selectFrom("number_tariffs as v")
    .select("v.tariff_id")
    .where("v.number", "=", number)
    .where("v.valid_from", ">=", (eb) =>
      eb
        .selectFrom("number_tariffs as w")
        .select(sql<Date>`coalesce(max(w.valid_from), 'infinity')`.as("since"))
        .where("w.number", "=", number)
        .where("w.valid_from", "<=", sql<Date>`now()`),
    )
    .execute();
  return Promise.all(rows.map((row) => findTariff(trx, row.tariff_id)));
}
