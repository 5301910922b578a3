import { Kysely, PostgresDialect, type Transaction } from "kysely";
import pg from "pg";
import { impatientSocket } from "./impatient-socket.ts";
import { PreparingClient } from "./prepared.ts";
import type { Database } from "./schema.ts";

export type Db = Kysely<Database>;
/** A database transaction: what is written through it stands or falls together. */
export type DbTransaction = Transaction<Database>;

/** Connections that one process opens at most. */
export const POOL_CONNECTIONS_MAX = 10;
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 10_000;
/** A process that is frozen within a database transaction holds its locks no longer than this. */
const IDLE_IN_TRANSACTION_MS_MAX = 15_000;
const KEEP_ALIVE_MS = 10_000;

// bigint identities stay far below 2^53 and count(*) too: as numbers they are safe, and JSON shows them plainly.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
// A day is a day: as a Date it would be midnight somewhere.
pg.types.setTypeParser(pg.types.builtins.DATE, String);

export interface OpenDatabase extends AsyncDisposable {
  readonly db: Db;
  readonly url: string;
}

/** Opens a pool; `onLostConnection` hears of idle connections that the server closed (the pool opens new ones by itself). */
export function openDatabase(url: string, onLostConnection: (error: Error) => void = () => {}): OpenDatabase {
  const pool = new pg.Pool({
    connectionString: url,
    Client: PreparingClient,
    max: POOL_CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS_MAX,
    application_name: "phone2pay",
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    stream: impatientSocket,
  });
  pool.on("error", onLostConnection);
  // One that is lost while somebody uses it tells its query, and would end the process if nobody heard of it here.
  pool.on("connect", (client) => client.on("error", () => {}));
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  return { db, url, [Symbol.asyncDispose]: () => db.destroy() };
}

/** Does the work in a database transaction: in the one that is under way when `db` is one, else in one of its own. */
export function inTransaction<T>(db: Db, work: (trx: DbTransaction) => Promise<T>): Promise<T> {
  return db.isTransaction ? work(db as DbTransaction) : db.transaction().execute(work);
}

/** The database's own clock, which decides what has expired. */
export async function databaseNow(db: Db | DbTransaction): Promise<Date> {
  const row = await db.selectNoFrom((eb) => eb.fn<Date>("clock_timestamp", []).as("now")).executeTakeFirstOrThrow();
  return row.now;
}
