import { sql } from "kysely";
import { CODES_LIVE_MAX } from "../../core/code.ts";
import { DAY_MS } from "../../core/time.ts";
import type { Order } from "../../core/transaction.ts";
import { applyPulses, cancel, confirm, expire, redeem } from "../../core/transitions.ts";
import { type Seeded, seedMerchant, TEN_RAPPEN_A_SECOND, THREE_FRANCS_A_CALL } from "../support/seed.ts";
import { shiftBack } from "../support/time-travel.ts";
import { WebApp } from "./web-app.ts";

/** CHF 9.90 at CHF 1.20 a minute, in 99 pulses of 5 s. */
const ALBUM = { amountRappen: 990, description: "Album « Nuit claire », 11 titres (FLAC)" };
const ALBUM_PULSES = 99;
const PASS = { ...ALBUM, description: "Archives sonores du Léman", accessDays: 31 };
const DONATION = {
  description: "Fonds des jeunes musiciens",
  amountRappen: 500,
  donation: { minimumRappen: 50, maximumRappen: 5_000, suggestionsRappen: [100, 500, 1_000, 2_000] },
};
/** Three calls of CHF 3.00. */
const THREE_CALLS = { amountRappen: 800, description: "Coffret « Rives », 3 disques" };
/** Plays are offered where a line is named; on this one nobody answers. */
const NO_LINE = { agiServers: ["127.0.0.1:1"], secret: "a-secret-for-tests-only", promptLengthMs: () => 0 };

const KINDS = { album: ALBUM, pass: PASS, donation: DONATION, threeCalls: THREE_CALLS } as const;
type Kind = keyof typeof KINDS;

const SOON = sql<Date>`clock_timestamp() + interval '1 minute'`;

/** Puts payments into the states that shoppers meet, on pages that are really served. */
export class Stage implements AsyncDisposable {
  readonly web: WebApp;
  readonly origin: string;
  readonly perCall: Seeded;
  readonly #resources: AsyncDisposableStack;

  static async open(): Promise<Stage> {
    const resources = new AsyncDisposableStack();
    const web = resources.use(await WebApp.start({ testLine: NO_LINE }));
    const origin = await web.app.listen({ port: 0, host: "127.0.0.1" });
    const perCall = await seedMerchant(web.db, { number: "0900900906", segments: THREE_FRANCS_A_CALL });
    return new Stage({ web, origin, perCall, resources });
  }

  private constructor(parts: {
    readonly web: WebApp;
    readonly origin: string;
    readonly perCall: Seeded;
    readonly resources: AsyncDisposableStack;
  }) {
    this.web = parts.web;
    this.origin = parts.origin;
    this.perCall = parts.perCall;
    this.#resources = parts.resources;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }

  /** Pages of a service of their own, that something has happened to; answers where they are. */
  async elsewhere(
    happened: (web: WebApp) => Promise<unknown>,
    options: Parameters<typeof WebApp.start>[0] = {},
  ): Promise<string> {
    const web = this.#resources.use(await WebApp.start(options));
    const origin = await web.app.listen({ port: 0, host: "127.0.0.1" });
    await happened(web);
    return origin;
  }

  async opened(kind: Kind = "album", changes: Partial<Order> = {}): Promise<string> {
    return this.web.open({ ...KINDS[kind], ...changes }, kind === "threeCalls" ? this.perCall : this.web.seeded);
  }

  /** In a call that goes on, with so many pulses booked. */
  async calling(pulses: number, id?: string): Promise<string> {
    const called = id ?? (await this.opened());
    const call = await this.web.call(called);
    if (pulses > 0) await call.pulses(1, pulses);
    return called;
  }

  /** Cut after CHF 4.30. */
  async interrupted(changes: Partial<Order> = {}, kind: Kind = "album"): Promise<string> {
    const id = await this.opened(kind, changes);
    const call = await this.web.call(id);
    await call.pulses(1, 43);
    await call.hangUp(212);
    return id;
  }

  async paid(kind: Kind = "album", changes: Partial<Order> = {}): Promise<string> {
    return this.pay(await this.opened(kind, changes));
  }

  async pay(id: string): Promise<string> {
    const call = await this.web.call(id);
    await call.pulses(1, ALBUM_PULSES);
    await call.hangUp(491);
    return id;
  }

  async confirmed(kind: Kind = "album", changes: Partial<Order> = {}): Promise<string> {
    const id = await this.paid(kind, changes);
    await this.web.change(id, confirm("shopper"));
    return id;
  }

  async redeemed(): Promise<string> {
    const id = await this.confirmed();
    await this.web.change(id, redeem("the merchant"));
    return id;
  }

  /** Billed one pulse more than it asked for. */
  async overpaid(): Promise<string> {
    const id = await this.opened();
    const call = await this.web.call(id);
    await call.pulses(1, ALBUM_PULSES + 1);
    await this.web.change(id, applyPulses);
    await call.hangUp(496);
    return id;
  }

  /** A payment of three calls, of which so many are over; one more may be under way. */
  async threeCalls({
    over,
    isCalling = false,
  }: {
    readonly over: number;
    readonly isCalling?: boolean;
  }): Promise<string> {
    const id = await this.opened("threeCalls");
    for (let nth = 0; nth < over; nth++) {
      const call = await this.web.call(id, this.perCall);
      await call.pulses(1, 1);
      await call.hangUp(6);
    }
    if (isCalling) await (await this.web.call(id, this.perCall)).pulses(1, 1);
    return id;
  }

  async expired(id: string): Promise<string> {
    await this.web.letExpire(id);
    await this.web.change(id, expire);
    return id;
  }

  /** Expired so long ago that it can't be taken up again. */
  async over(changes: Partial<Order> = {}): Promise<string> {
    const id = await this.expired(await this.interrupted(changes));
    await this.#letDaysPass(8);
    return id;
  }

  async cancelled(id: string): Promise<string> {
    await this.web.change(id, cancel("shopper"));
    return id;
  }

  /** A pass of 31 days that was paid so many days ago. */
  async passPaid(daysAgo: number): Promise<string> {
    const id = await this.confirmed("pass");
    await this.#letDaysPass(daysAgo);
    return id;
  }

  /** A giver's choice of CHF 5.00. */
  async donationChosen(): Promise<string> {
    const id = await this.opened("donation");
    await this.web.post(`/pay/${id}/amount`, "amount=5.00");
    return id;
  }

  async donationPaid(): Promise<string> {
    const id = await this.donationChosen();
    const call = await this.web.call(id);
    await call.pulses(1, 50);
    await call.hangUp(246);
    return id;
  }

  /** On a number that asks for the code, and for a yes to the price, before it answers. */
  async keyedFirst(): Promise<string> {
    const asks = { number: "0900900907", segments: TEN_RAPPEN_A_SECOND, codeBeforeAnswer: true };
    return this.web.open(ALBUM, await seedMerchant(this.web.db, asks));
  }

  /** On a number all of whose codes are out. */
  async withoutCode(): Promise<string> {
    const { db } = this.web;
    const full = await seedMerchant(db, { number: "0900900911" });
    const transaction_id = await this.web.open(ALBUM, full);
    const inUse = { transaction_id, number: full.number, claimed_by: null, retired_at: SOON, expires_at: SOON };
    const codes = Array.from({ length: CODES_LIVE_MAX }, (_, nth) => ({ ...inUse, code: codeApart(nth) }));
    await db.insertInto("codes").values(codes).execute();
    return this.web.open(ALBUM, full);
  }

  /** On a number that went out of service. */
  async withoutNumber(): Promise<string> {
    const { db } = this.web;
    const { number, ...seeded } = await seedMerchant(db, { number: "0900900910" });
    const id = await this.web.open(ALBUM, { number, ...seeded });
    await db.updateTable("smart_numbers").set({ in_service: false }).where("number", "=", number).execute();
    return id;
  }

  async #letDaysPass(days: number): Promise<void> {
    await shiftBack(this.web.db, days * DAY_MS);
  }
}

/** The nth of a thousand codes of which any two are two digits apart. */
function codeApart(nth: number): string {
  const digits = String(nth).padStart(3, "0");
  return `${digits}${digits.split("").reduce((sum, digit) => sum + Number(digit), 0) % 10}`;
}
