import { sql } from "kysely";
import type { Db } from "./database.ts";

/** What a database server says of itself. */
export interface DatabaseHealth {
  /** 15, 18 … */
  readonly majorVersion: number;
  /** A standby, or a server or database that was set so: nothing can be booked. */
  readonly readOnly: boolean;
  /** By the database's own clock. */
  readonly now: Date;
}

/** Asks only what every PostgreSQL can answer, with or without our schema. */
export async function readDatabaseHealth(db: Db): Promise<DatabaseHealth> {
  const { rows } = await sql<DatabaseHealth>`
    select current_setting('server_version_num')::int / 10000 as "majorVersion",
      current_setting('transaction_read_only') = 'on' as "readOnly",
      clock_timestamp() as now`.execute(db);
  const health = rows[0];
  if (!health) throw new Error("the database said nothing of itself");
  return health;
}
