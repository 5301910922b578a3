import { type Db, databaseNow } from "./database.ts";

/**
 * SQLSTATEs that say «not now» rather than «not so»: connection lost (08), out of resources (53), shutting down (57P0),
 * statement timed out (57014), serialization failure, deadlock (40001, 40P01), lock not available (55P03).
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const PASSING_STATE = /^(08...|53...|57P0.|57014|40001|40P01|55P03)$/;
const NETWORK_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);

/**
 * Whether an error means that the database is away for the moment. The driver gives no code to its own time-outs and
 * lost connections; for an error that can't be told otherwise the database itself is asked.
 */
export async function isDatabaseAway(db: Db, error: unknown): Promise<boolean> {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
  if (code !== null) return NETWORK_CODES.has(code) || PASSING_STATE.test(code);
  if (error instanceof TypeError || error instanceof RangeError) return false;
  return databaseNow(db).then(
    () => false,
    () => true,
  );
}
