import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import type { AsteriskManager } from "asterisk-manager";
import { AmiError, type AmiPacket, AmiPacketReader, checkValue, type PacketLimits } from "./ami-packets.ts";

/** Everything that is waited for, held or sent has a bound. */
export interface AmiLimits extends PacketLimits {
  /** Connecting, greeting and login together. */
  readonly loginMilliseconds: number;
  readonly actionMilliseconds: number;
  /** The same for an action that is answered by a list. */
  readonly listMilliseconds: number;
  readonly listItems: number;
  readonly pingEveryMilliseconds: number;
  readonly pendingActions: number;
  /** One value that we send. */
  readonly valueBytes: number;
}

export const AMI_LIMITS: AmiLimits = {
  loginMilliseconds: 5_000,
  actionMilliseconds: 5_000,
  listMilliseconds: 10_000,
  listItems: 10_000,
  pingEveryMilliseconds: 15_000,
  pendingActions: 16,
  valueBytes: 900, // Asterisk reads a line into 1,025 bytes.
  lineBytes: 16_384,
  packetBytes: 65_536,
  packetLines: 500,
};

/** What the manager is handed in place of the packets that it would have cut itself. */
export interface AmiReply {
  readonly response: "Success" | "Error";
  readonly actionid: string;
  readonly packet: AmiPacket;
}

export interface AmiAnswer {
  readonly packet: AmiPacket;
  /** The events of a list without the one that ends it. */
  readonly items: readonly AmiPacket[];
}

export interface AmiConnectionParts {
  readonly manager: AsteriskManager<AmiReply>;
  readonly socket: Socket;
  readonly limits: AmiLimits;
  /** Which classes of events Asterisk is to send, "off" for none. */
  readonly eventMask: string;
  readonly onEvent: (name: string, event: AmiPacket) => void;
  /** Told once why a connection that was up is gone, unless it was closed on this side. */
  readonly onLost: (reason: AmiError) => void;
}

interface Pending {
  /** Null where the reply is all there is. */
  readonly items: AmiPacket[] | null;
  readonly resolve: (answer: AmiAnswer) => void;
  readonly reject: (error: AmiError) => void;
  readonly timer: NodeJS.Timeout;
}

type ManagerCallback = (refusal?: AmiReply | null, reply?: AmiReply) => void;

const NOTHING: AmiPacket = new Map();

/**
 * One socket to Asterisk under a manager of its own, for which it reads, keeps time and counts. Every action settles:
 * by its reply, by its time-out, or by the end of the socket.
 */
export class AmiConnectionCore {
  /** Resolves when the socket is closed, whatever closed it; never rejects. */
  readonly closed: Promise<void>;
  readonly #parts: AmiConnectionParts;
  readonly #reader: AmiPacketReader;
  readonly #greeting = Promise.withResolvers<void>();
  readonly #pending = new Map<string, Pending>();
  #endedBy: AmiError | null = null;
  #up = false;
  #pinging: NodeJS.Timeout | undefined;

  constructor(parts: AmiConnectionParts) {
    this.#parts = parts;
    this.#greeting.promise.catch(() => {});
    this.#reader = new AmiPacketReader(
      {
        onGreeting: (line) => this.#onGreeting(line),
        onPacket: (packet, repeats) => this.#onPacket(packet, repeats),
        onBreach: (what) => this.end(new AmiError("bad_reply", what)),
      },
      parts.limits,
    );
    const { socket } = parts;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("data", (text: string) => this.#reader.push(text));
    socket.on("error", (cause) => {
      const kind = socket.bytesRead === 0 ? "unreachable" : "closed";
      this.end(new AmiError(kind, "the AMI connection broke", { cause }));
    });
    socket.on("end", () => this.end(new AmiError("closed", "Asterisk closed the AMI connection")));
    socket.on("close", () => this.end(new AmiError("closed", "the AMI connection was closed")));
  }

  /** Rejects, with the socket closed, when Asterisk doesn't let us in, in time. */
  async login(signal: AbortSignal | undefined): Promise<void> {
    const { limits, manager, eventMask } = this.#parts;
    const late = () => this.end(new AmiError("time_out", "Asterisk did not let us in in time"));
    const giveUp = () => this.end(new AmiError("closed", "connecting was given up on this side"));
    const deadline = setTimeout(late, limits.loginMilliseconds);
    signal?.addEventListener("abort", giveUp, { once: true });
    if (signal?.aborted) giveUp();
    try {
      await this.#greeting.promise;
      await this.#send({ milliseconds: limits.loginMilliseconds }, (callback) => manager.login(callback)).catch(
        asRefusal,
      );
      await this.ask({ Action: "Events", EventMask: eventMask });
      this.#up = true;
    } catch (error) {
      this.end(error instanceof AmiError ? error : new AmiError("closed", "the login broke off", { cause: error }));
      await this.closed;
      throw error;
    } finally {
      clearTimeout(deadline);
      signal?.removeEventListener("abort", giveUp);
    }
    this.#pinging = setInterval(() => void this.#keepAwake(), limits.pingEveryMilliseconds);
  }

  /** Sends an action; one that is answered by a `list` resolves when the list is whole. */
  ask(fields: Readonly<Record<string, string>>, list: "list" | null = null): Promise<AmiAnswer> {
    const { limits, manager } = this.#parts;
    try {
      for (const value of Object.values(fields)) checkValue(value, limits.valueBytes);
    } catch (error) {
      return Promise.reject(error);
    }
    const milliseconds = list ? limits.listMilliseconds : limits.actionMilliseconds;
    return this.#send({ milliseconds, list }, (callback) => manager.action(fields, callback));
  }

  /** Closes the socket and settles all that is pending; a second time it does nothing. */
  end(reason: AmiError): void {
    if (this.#endedBy !== null) return;
    this.#endedBy = reason;
    clearInterval(this.#pinging);
    this.#reader.stop();
    this.#parts.socket.destroy();
    this.#greeting.reject(reason);
    for (const id of this.#pending.keys()) this.#take(id)?.reject(reason);
    if (this.#up) this.#parts.onLost(reason);
  }

  /** Closes the connection on this side: onLost isn't told. */
  async close(): Promise<void> {
    this.#up = false;
    this.end(new AmiError("closed", "the AMI connection was closed on this side"));
    await this.closed;
  }

  #send(
    { milliseconds, list = null }: { readonly milliseconds: number; readonly list?: "list" | null },
    send: (callback: ManagerCallback) => void,
  ): Promise<AmiAnswer> {
    if (this.#endedBy !== null) return Promise.reject(this.#endedBy);
    const { manager, limits } = this.#parts;
    if (this.#pending.size >= limits.pendingActions)
      return Promise.reject(new AmiError("busy", "too many AMI actions wait for their replies"));
    const { promise, resolve, reject } = Promise.withResolvers<AmiAnswer>();
    // Nobody can guess it: text of a caller that Asterisk prints with a line break in it can't pass for our reply.
    const id = randomUUID();
    const late = () => this.#take(id)?.reject(new AmiError("time_out", "Asterisk did not answer in time"));
    this.#pending.set(id, { items: list && [], resolve, reject, timer: setTimeout(late, milliseconds) });
    const { action } = manager;
    // Also for the login, whose ActionID the library would choose itself: the time in ms, which two may share.
    manager.action = (fields, callback) => action({ ...fields, actionid: id }, callback);
    send((refusal, reply) => this.#onReply(id, refusal, reply));
    manager.action = action;
    return promise;
  }

  /** Takes an action out of those that wait; null when it has been settled already. */
  #take(id: string): Pending | null {
    const pending = this.#pending.get(id) ?? null;
    if (pending) clearTimeout(pending.timer);
    this.#pending.delete(id);
    this.#parts.manager.removeAllListeners(id);
    return pending;
  }

  #onGreeting(line: string): void {
    // Whoever doesn't greet like Asterisk is not shown the secret.
    if (line.startsWith("Asterisk Call Manager/")) this.#greeting.resolve();
    else this.end(new AmiError("bad_reply", "what listens there is not Asterisk's manager interface"));
  }

  #onPacket(packet: AmiPacket, repeats: boolean): void {
    const id = packet.get("actionid") ?? "";
    const response = packet.get("response");
    const pending = this.#pending.get(id);
    if (response !== undefined) {
      // A reply that nobody waits for must not reach the library, which would emit any ActionID as an event's name.
      const success = response.toLowerCase() === "success";
      if (pending)
        this.#parts.manager.emit("rawevent", { response: success ? "Success" : "Error", actionid: id, packet });
    } else if (pending?.items) this.#onItem(id, pending.items, packet);
    // No event of Asterisk's tells a thing twice. One that does was begun by a line break in a caller's text, and goes on
    // with what was left of the true one.
    else if (packet.has("event") && this.#up && !repeats)
      this.#parts.onEvent((packet.get("event") ?? "").toLowerCase(), packet);
  }

  #onItem(id: string, items: AmiPacket[], packet: AmiPacket): void {
    const last = packet.get("eventlist")?.toLowerCase();
    if (last === undefined) {
      if (items.length < this.#parts.limits.listItems) items.push(packet);
      else this.#take(id)?.reject(new AmiError("bad_reply", "a list from Asterisk is too long"));
    } else if (last === "complete" && Number(packet.get("listitems")) === items.length) {
      this.#take(id)?.resolve({ packet, items });
    } else {
      this.#take(id)?.reject(new AmiError("bad_reply", "a list from Asterisk is not whole"));
    }
  }

  #onReply(id: string, refusal: AmiReply | null | undefined, reply: AmiReply | undefined): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    if (refusal)
      this.#take(id)?.reject(new AmiError("failed", `Asterisk: ${refusal.packet.get("message") ?? "no reason given"}`));
    else if (pending.items === null) this.#take(id)?.resolve({ packet: reply?.packet ?? NOTHING, items: [] });
  }

  /** A peer that vanished without a word is only found by asking. */
  async #keepAwake(): Promise<void> {
    try {
      await this.ask({ Action: "Ping" });
    } catch (error) {
      // When so much is pending that a ping finds no room, each of those has a time-out of its own.
      if (error instanceof AmiError && error.kind === "time_out") this.end(error);
    }
  }
}

function asRefusal(error: unknown): never {
  if (error instanceof AmiError && error.kind === "failed") throw new AmiError("refused", error.message);
  throw error;
}
