import type { ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { statusAt } from "../core/transaction.ts";
import type { Notice } from "../db/notices.ts";
import { languageOf } from "./language.ts";
import { liveState, type ProgressFacts } from "./live-state.ts";
import type { WebOptions } from "./options.ts";
import { readProgressFacts } from "./pay-facts.ts";

/** When a browser may come back after a break. */
const RETRY_MS = 1_000;
/** After a gap every watcher reads its row again, but not all in the same instant. */
const GAP_SPREAD_MS = 1_000;
/** A reader who takes nothing is let go before much piles up for them. */
const UNSENT_BYTES_MAX = 65_536;

/** One page that watches one payment, from its request to its close. */
export class ProgressStream {
  readonly #db: WebOptions["db"];
  readonly #request: FastifyRequest;
  readonly #id: string;
  readonly #cleanups: (() => void)[];
  #facts: ProgressFacts | null = null;
  /** The database's clock minus ours, as of the last reading. */
  #clockSkewMs = 0;
  #raw: ServerResponse | null = null;
  #sent = "";
  #reading = false;
  #stale = false;
  #closed = false;

  constructor({ db, watch }: Pick<WebOptions, "db" | "watch">, request: FastifyRequest, id: string) {
    this.#db = db;
    this.#request = request;
    this.#id = id;
    let spread: NodeJS.Timeout | undefined;
    const gap = () => {
      clearTimeout(spread);
      spread = setTimeout(() => void this.#refresh(), Math.random() * GAP_SPREAD_MS);
    };
    // Listening starts before the first reading, so that nothing falls between the two.
    const deaf = [watch.watch(id, (notice) => this.#hear(notice)), watch.onGap(gap)];
    this.#cleanups = [...deaf, () => clearTimeout(spread)];
  }

  onClose(cleanup: () => void): void {
    this.#cleanups.push(cleanup);
  }

  /** Sends the state now and takes the connection over; false when there is no such transaction. */
  async open(reply: FastifyReply): Promise<boolean> {
    if (!(await this.#read())) return false;
    reply.hijack();
    const { raw } = reply;
    this.#raw = raw;
    raw.once("close", () => this.close());
    raw.on("error", () => this.close());
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      "content-type": "text/event-stream; charset=utf-8",
      "x-accel-buffering": "no",
    });
    raw.write(`retry: ${RETRY_MS}\n\n`);
    this.#send();
    if (raw.destroyed || this.#closed) this.close();
    else if (this.#stale) void this.#refresh();
    return true;
  }

  /** Keeps the connection alive, and notes what the clock alone changed: nobody is notified when time runs out. */
  beat(): void {
    if (!this.#raw) return;
    if (this.#raw.writableLength > UNSENT_BYTES_MAX) {
      this.#raw.destroy();
      return;
    }
    this.#raw.write(": beat\n\n");
    const { transaction } = this.#facts ?? {};
    if (transaction && statusAt(transaction, this.#now()) !== transaction.status) this.#send();
  }

  /** Ends the stream and lets go of everything it held; the browser comes back by itself if it still cares. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const cleanup of this.#cleanups) cleanup();
    this.#raw?.end();
  }

  /** A pulse is told without a query: the sum comes with the notice, the rest follows from the staircase. */
  #hear({ billedRappen }: Notice): void {
    const { transaction } = this.#facts ?? {};
    if (billedRappen === undefined || transaction?.status !== "calling") return void this.#refresh();
    this.#book(billedRappen);
    this.#send();
  }

  #book(billedRappen: number): void {
    if (!this.#facts) return;
    const { transaction } = this.#facts;
    if (billedRappen <= transaction.billedRappen) return;
    this.#facts = { ...this.#facts, transaction: { ...transaction, billedRappen } };
  }

  /** Reads the row again; notices that come meanwhile cause one more reading, however many they are. */
  async #refresh(): Promise<void> {
    this.#stale = true;
    if (this.#reading || !this.#raw) return;
    this.#reading = true;
    try {
      while (this.#stale && !this.#closed) {
        await this.#read();
        this.#send();
      }
    } catch (error) {
      this.#request.log.warn({ err: error }, "progress could not be read");
      this.close();
    } finally {
      this.#reading = false;
    }
  }

  async #read(): Promise<boolean> {
    this.#stale = false;
    const facts = await readProgressFacts(this.#db, this.#id);
    if (!facts) return false;
    const told = this.#facts?.transaction.billedRappen ?? 0;
    this.#clockSkewMs = facts.now.getTime() - Date.now();
    this.#facts = facts;
    this.#book(told); // a pulse that was told while we read may be newer than what we read
    return true;
  }

  #send(): void {
    if (!this.#raw || !this.#facts || this.#closed) return;
    const language = languageOf(this.#request, this.#facts.transaction.language);
    const data = JSON.stringify(liveState(this.#facts, language, this.#now()));
    if (data === this.#sent) return;
    this.#sent = data;
    this.#raw.write(`data: ${data}\n\n`);
  }

  #now(): Date {
    return new Date(Date.now() + this.#clockSkewMs);
  }
}
