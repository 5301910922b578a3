import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";
import type { Language } from "../core/messages.ts";
import type { Told, Watcher } from "./watched-payment.ts";

/** When a browser comes back after a break. */
const RETRY_MS = 1_000;
/** When a page comes back whose place a newer one took, or whose payment is over: not at once, or they would take turns for ever. */
const RETRY_LATER_MS = 60_000;
/** A reader who takes nothing is let go before much piles up for them. */
const UNSENT_BYTES_MAX = 65_536;
/** An end that isn't answered for so long is cut: the other side is gone. */
const END_MS_MAX = 5_000;

const BEAT = Buffer.from(": beat\n\n");
const RETRY = Buffer.from(`retry: ${RETRY_MS}\n\n`);
const RETRY_LATER = Buffer.from(`retry: ${RETRY_LATER_MS}\n\n`);

/** One page's connection, from the answer's head to its close. */
export class ProgressStream implements Watcher {
  readonly language: Language;
  readonly #raw: ServerResponse;
  readonly #closeListeners: (() => void)[] = [];
  #isClosed = false;
  #sent = "";

  /** Takes the connection over. */
  constructor(reply: FastifyReply, language: Language) {
    this.language = language;
    reply.hijack();
    this.#raw = reply.raw;
    this.#raw.once("close", () => this.close());
    this.#raw.on("error", () => this.close());
    // The end of the connection is the end of the answer: without chunks each event is one write instead of four, and
    // where thousands of pages are told at once that is a third of the time.
    this.#raw.removeHeader("transfer-encoding");
    this.#raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      connection: "close",
      "content-type": "text/event-stream; charset=utf-8",
      // Proxies that know it (nginx) pass each event on as it comes.
      "x-accel-buffering": "no",
    });
    this.#write(RETRY);
  }

  /** Calls back once, whoever ends the stream; at once where it has ended. */
  onClose(listener: () => void): void {
    if (this.#isClosed || this.#raw.destroyed) listener();
    else this.#closeListeners.push(listener);
  }

  tell({ data, bytes, isLast }: Told): void {
    if (data === this.#sent) return;
    this.#sent = data;
    this.#write(bytes);
    if (isLast) this.giveWay();
  }

  /** Proxies and browsers give up on a silent stream; a comment keeps it open, and finds out who is gone. */
  beat(): void {
    this.#write(BEAT);
  }

  giveWay(): void {
    this.#write(RETRY_LATER);
    this.close();
  }

  /** Ends the stream; the browser comes back by itself if it still cares. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const listener of this.#closeListeners.splice(0)) listener();
    const raw = this.#raw;
    if (raw.destroyed) return;
    raw.end();
    const cut = setTimeout(() => raw.destroy(), END_MS_MAX);
    raw.once("close", () => clearTimeout(cut));
  }

  #write(bytes: Buffer): void {
    if (this.#isClosed || this.#raw.destroyed) return;
    this.#raw.write(bytes);
    if (this.#raw.writableLength > UNSENT_BYTES_MAX) this.#raw.destroy();
  }
}
