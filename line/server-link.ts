import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { LineLimits } from "./limits.ts";

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** Asterisk's end of one FastAGI connection: commands come in as lines, replies go out as lines. */
export class ServerLink implements Disposable {
  readonly #socket: Socket;
  readonly #limits: LineLimits;
  readonly #lines: string[] = [];
  #rest = Buffer.alloc(0);
  #closed = false;
  #news = new AbortController();

  private constructor(socket: Socket, limits: LineLimits) {
    this.#socket = socket;
    this.#limits = limits;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.on("close", () => this.#close()); // after a reset, too: Asterisk doesn't tell the one from the other
    socket.on("end", () => this.#close());
  }

  /** Null when nobody listens there, or nobody accepts within the limit. */
  static async open(server: string, limits: LineLimits): Promise<ServerLink | null> {
    const colon = server.lastIndexOf(":");
    const socket = connect({ host: server.slice(0, colon), port: Number(server.slice(colon + 1)) });
    const connected = await new Promise<boolean>((resolve) => {
      const settle = (open: boolean) => {
        clearTimeout(timer);
        resolve(open);
      };
      const timer = setTimeout(settle, limits.connectMs, false);
      socket.once("connect", () => settle(true));
      socket.on("error", () => settle(false)); // and stays: what is destroyed below may still report one
    });
    if (connected) return new ServerLink(socket, limits);
    socket.destroy();
    return null;
  }

  /** Aborted as soon as a command is waiting or the server is gone: that cuts a playing prompt short. */
  get news(): AbortSignal {
    return this.#news.signal;
  }

  /** The next command; null when the server is gone, or when `leave` says not to wait for it any longer. */
  async nextCommand(leave: AbortSignal): Promise<string | null> {
    while (this.#lines.length === 0) {
      if (this.#closed || leave.aborted) return null;
      await delay(this.#limits.callMs, undefined, { signal: AbortSignal.any([leave, this.news]) }).catch(() => {});
    }
    const line = this.#lines.shift() ?? null;
    if (this.#lines.length === 0 && !this.#closed) this.#news = new AbortController();
    return line;
  }

  send(lines: string): void {
    if (!this.#closed) this.#socket.write(`${lines}\n`);
  }

  /** Ends the connection after what was sent. */
  [Symbol.dispose](): void {
    this.#close();
    this.#socket.end(() => this.#socket.destroy());
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const end = this.#rest.indexOf(LINE_FEED);
      const tooLong = end < 0 ? this.#rest.length >= this.#limits.commandBytes : end > this.#limits.commandBytes;
      if (end < 0 && !tooLong) return;
      const length = tooLong ? this.#limits.commandBytes : end;
      const textLength = !tooLong && this.#rest[end - 1] === CARRIAGE_RETURN ? length - 1 : length;
      this.#lines.push(this.#rest.toString("utf8", 0, textLength));
      this.#rest = this.#rest.subarray(tooLong ? length : length + 1);
      this.#news.abort();
      if (this.#lines.length > this.#limits.commandsQueued) break;
    }
    this.#lines.length = 0;
    this.#close();
    this.#socket.destroy();
  }

  #close(): void {
    this.#closed = true;
    this.#news.abort();
  }
}
