import type { ColumnType } from "kysely";

/** A moment that the database may set by itself. */
export type Moment = ColumnType<Date, Date | undefined, Date>;
export type MaybeMoment = ColumnType<Date | null, Date | null | undefined, Date | null>;
