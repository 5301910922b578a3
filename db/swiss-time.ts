import { type RawBuilder, sql } from "kysely";

const ZONE = sql.lit("Europe/Zurich");
/** Stands still within a transaction; with clock_timestamp(), which never does, no index could be searched by it. */
const CLOCK = sql<Date>`now()`;

/** When the Swiss day, month or year began that `at` lies in; unless told otherwise, the one by the database's clock. */
export function startOfSwiss(unit: "day" | "month" | "year", at: RawBuilder<Date> = CLOCK): RawBuilder<Date> {
  return sql<Date>`(date_trunc(${sql.lit(unit)}, ${at} at time zone ${ZONE}) at time zone ${ZONE})`;
}

/** The Swiss day that `at` lies in, as an ISO date. */
export function swissDay(at: RawBuilder<Date> = CLOCK): RawBuilder<string> {
  return sql<string>`((${at} at time zone ${ZONE})::date)`;
}
