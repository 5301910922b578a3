import { EventEmitter } from "node:events";
import { sql } from "kysely";
import pg from "pg";
import type { Db, DbTransaction } from "./database.ts";
import { impatientSocket } from "./impatient-socket.ts";

/** PostgreSQL takes payloads of up to 8,000 bytes; an id and a sum are about 60, so this many fit with room to spare. */
export const NOTICES_IN_ONE_MAX = 100;
const CHANNEL = "phone2pay";
const RECONNECT_MS = 500;
const CONNECT_TIMEOUT_MS = 5_000;
/** Who only listens never notices that the other side is gone without a word, so it asks now and then. */
const ASK_EVERY_MS = 5_000;

/**
 * A hint that something happened to a transaction. With `billedRappen` it is live progress, taken from the very batch
 * that booked it; without, the row changed and is worth reading again. A lost notice costs a second, never a payment.
 */
export interface Notice {
  readonly id: string;
  readonly billedRappen?: number;
}

export interface NoticeWatch extends AsyncDisposable {
  /** Calls `heard` for each notice about `id` until the returned function is called. */
  watch(id: string, heard: (notice: Notice) => void): () => void;
  /** Calls `heard` whenever notices may have been missed: after each (re)connect. */
  onGap(heard: () => void): () => void;
}

export async function notifyChange(trx: DbTransaction, id: string): Promise<void> {
  await notify(trx, [{ id }]);
}

export async function notify(db: Db | DbTransaction, notices: readonly Notice[]): Promise<void> {
  for (let from = 0; from < notices.length; from += NOTICES_IN_ONE_MAX) {
    const lines = notices
      .slice(from, from + NOTICES_IN_ONE_MAX)
      .map(({ id, billedRappen }) => (billedRappen === undefined ? id : `${id}=${billedRappen}`));
    await sql`select pg_notify(${CHANNEL}, ${lines.join(",")})`.execute(db);
  }
}

/** One listening connection for the whole process, however many pages watch; it comes back by itself when it is lost. */
export async function watchTransactions(url: string): Promise<NoticeWatch> {
  const heard = new EventEmitter().setMaxListeners(0);
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let unanswered: pg.Client | null = null;
  const asking = setInterval(() => {
    const asked = client;
    if (!asked || asked === unanswered) return;
    unanswered = asked;
    const answered = () => {
      if (unanswered === asked) unanswered = null;
    };
    asked.query("select 1").then(answered, answered);
  }, ASK_EVERY_MS);
  asking.unref();

  async function connect(): Promise<void> {
    const fresh = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      application_name: "phone2pay-notices",
      stream: impatientSocket,
    });
    fresh.on("error", () => {}); // "end" follows and reconnects
    fresh.once("end", () => {
      if (client === fresh) client = null;
      if (!closed) timer = setTimeout(() => void connect().catch(() => {}), RECONNECT_MS);
    });
    fresh.on("notification", ({ payload = "" }) => {
      for (const line of payload.split(",")) {
        const [id = "", billed] = line.split("=");
        heard.emit(id, billed === undefined ? { id } : { id, billedRappen: Number(billed) });
      }
    });
    await fresh.connect();
    if (closed) {
      await fresh.end();
      return;
    }
    client = fresh;
    try {
      await fresh.query(`listen ${CHANNEL}`);
    } catch (error) {
      await fresh.end(); // connected and deaf would be worse than not connected
      throw error;
    }
    heard.emit("gap");
  }

  function stop(): void {
    closed = true;
    clearTimeout(timer);
    clearInterval(asking);
    heard.removeAllListeners();
  }

  await connect().catch((error: unknown) => {
    stop();
    throw error;
  });
  return {
    watch(id, listener) {
      heard.on(id, listener);
      return () => heard.off(id, listener);
    },
    onGap(listener) {
      heard.on("gap", listener);
      return () => heard.off("gap", listener);
    },
    async [Symbol.asyncDispose]() {
      stop();
      await client?.end();
    },
  };
}
