import { randomUUID } from "node:crypto";
import Fastify, { type FastifyInstance } from "fastify";
import { sql } from "kysely";
import { pulsesOf } from "../../core/tariff.ts";
import type { Order } from "../../core/transaction.ts";
import { applyPulses, cancel, confirm, expire, redeem, type Transition } from "../../core/transitions.ts";
import { endLeg } from "../../db/call-legs.ts";
import { claimCode, findCode, issueCode } from "../../db/codes.ts";
import type { Db, OpenDatabase } from "../../db/database.ts";
import { type NoticeWatch, watchTransactions } from "../../db/notices.ts";
import { bookPulses } from "../../db/pulses.ts";
import { changeTransaction } from "../../db/transactions.ts";
import type { WebOptions } from "../../web/options.ts";
import { webPages } from "../../web/pages.ts";
import { cloneDatabase } from "../support/database.ts";
import { type Seeded, seedAnsweredLeg, seedMerchant, seedTransaction } from "../support/seed.ts";

export const PROVIDER = { name: "Exemple Télécom SA", address: "avenue de l’Exemple 1, 1009 Pully" };
export const STATES = [
  "open",
  "calling",
  "paid",
  "interrupted",
  "expired",
  "cancelled",
  "confirmed",
  "redeemed",
] as const;
export type State = (typeof STATES)[number];

/** The shopper's pages on a database of their own. */
export class WebApp implements AsyncDisposable {
  readonly app: FastifyInstance;
  readonly db: Db;
  readonly seeded: Seeded;
  readonly #database: OpenDatabase;
  readonly #watch: NoticeWatch;

  static async start({ onDatabase, ...more }: Partial<WebOptions> & { readonly onDatabase?: OpenDatabase } = {}) {
    const database = onDatabase ?? (await cloneDatabase());
    const seeded = await seedMerchant(database.db);
    const watch = await watchTransactions(database.url);
    const app = Fastify({ forceCloseConnections: true, genReqId: () => randomUUID().slice(-12) });
    await app.register(webPages, {
      db: database.db,
      baseUrl: "http://localhost",
      provider: PROVIDER,
      watch,
      ...more,
    });
    await app.ready();
    return new WebApp(app, database, seeded, watch);
  }

  /** Where its database is. */
  get url(): string {
    return this.#database.url;
  }

  constructor(app: FastifyInstance, database: OpenDatabase, seeded: Seeded, watch: NoticeWatch) {
    this.app = app;
    this.db = database.db;
    this.seeded = seeded;
    this.#database = database;
    this.#watch = watch;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
    await this.#watch[Symbol.asyncDispose]();
    await this.#database[Symbol.asyncDispose]();
  }

  async get(url: string, headers: Record<string, string> = {}) {
    return this.app.inject({ method: "GET", url, headers });
  }

  async post(url: string, body = "", headers: Record<string, string> = { "sec-fetch-site": "same-origin" }) {
    return this.app.inject({
      method: "POST",
      url,
      body,
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    });
  }

  /** An open transaction of CHF 1.00: ten pulses. */
  async open(changes: Partial<Order> = {}, seeded: Seeded = this.seeded): Promise<string> {
    return (await seedTransaction(this.db, seeded, changes)).id;
  }

  /** A call whose caller has keyed the code of the transaction. */
  async call(id: string, seeded: Seeded = this.seeded) {
    const { db } = this;
    if (!(await findCode(db, id))) await issueCode(db, { transactionId: id, lifeSeconds: 180 });
    const live = await findCode(db, id);
    const { number, segments } = seeded;
    const leg = await seedAnsweredLeg(db, seeded);
    const held = { leg: leg.id, epoch: leg.epoch };
    const claimed = await claimCode(db, {
      ...held,
      number,
      code: live?.code ?? "",
      testAllowed: true,
      segments,
      wrongBefore: 0,
      codeBeforeAnswer: false,
    });
    if (claimed.outcome !== "claimed") throw new Error(claimed.outcome);
    return {
      pulses: (from: number, to: number) =>
        bookPulses(db, [{ ...held, pulses: pulsesOf(segments).slice(from - 1, to) }]),
      hangUp: (seconds: number) =>
        endLeg(db, {
          ...held,
          reason: "caller_hung_up",
          durationMs: seconds * 1_000,
          lastPulses: null,
          segments,
          codeBeforeAnswer: false,
        }),
    };
  }

  async change(id: string, transition: Transition): Promise<void> {
    const changed = await changeTransaction(this.db, id, transition);
    if (!changed || changed.refusal) throw new Error(String(changed?.refusal));
  }

  /** Lets the time to pay run out, without anything having noted it yet. */
  async letExpire(id: string): Promise<void> {
    await this.db
      .updateTable("transactions")
      .set({ expires_at: secondsAgo(1) })
      .where("id", "=", id)
      .execute();
  }

  /** Gives an open transaction a code that has run out. */
  async letCodeExpire(id: string): Promise<void> {
    await issueCode(this.db, { transactionId: id, lifeSeconds: 180 });
    const past = { issued_at: secondsAgo(181), expires_at: secondsAgo(1) };
    await this.db.updateTable("codes").set(past).where("transaction_id", "=", id).execute();
  }

  /** A transaction in any state that a shopper may meet. */
  async inState(state: State, changes: Partial<Order> = {}): Promise<string> {
    const id = await this.open(changes);
    if (state === "open") return id;
    if (state === "cancelled") return this.changed(id, cancel("shopper"));
    if (state === "expired") {
      await this.letExpire(id);
      return this.changed(id, expire);
    }
    const call = await this.call(id);
    await call.pulses(1, 4);
    if (state === "calling") return id;
    if (state === "interrupted") {
      await call.hangUp(17);
      return id;
    }
    await call.pulses(5, 10);
    await call.hangUp(47);
    if (state === "confirmed" || state === "redeemed") await this.change(id, confirm("shopper"));
    if (state === "redeemed") await this.change(id, redeem("test"));
    return id;
  }

  /** Paid, and then billed one pulse too many. */
  async overpaid(): Promise<string> {
    const id = await this.open();
    const call = await this.call(id);
    await call.pulses(1, 10);
    await call.pulses(11, 11);
    await this.change(id, applyPulses);
    return id;
  }

  private async changed(id: string, transition: Transition): Promise<string> {
    await this.change(id, transition);
    return id;
  }
}

/** By the database's clock, as everything that runs out. */
function secondsAgo(seconds: number) {
  return sql<Date>`clock_timestamp() - make_interval(secs => ${seconds})`;
}
