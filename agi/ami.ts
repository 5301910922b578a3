import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import makeManager, { type AsteriskManager } from "asterisk-manager";
import type { Rappen } from "../core/money.ts";
import { AMI_LIMITS, AmiConnectionCore, type AmiLimits, type AmiReply } from "./ami-connection.ts";
import {
  type AmiChannel,
  AmiError,
  type AmiPacket,
  checkValue,
  type DialplanStep,
  readChannel,
  readStep,
} from "./ami-packets.ts";

export type { AmiLimits } from "./ami-connection.ts";
export { type AmiChannel, AmiError, type AmiErrorKind, type AmiPacket, type DialplanStep } from "./ami-packets.ts";

/** So often a list of channels is asked for before it is given up. */
const LIST_TRIES_MAX = 5;

export interface AmiOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Goes over the wire as it is, since the library knows no TLS: use the loopback address or a tunnel. */
  readonly secret: string;
  /** Told what happens to calls, and their records (event classes `call` and `cdr`), by the events' names in lower case. */
  readonly onEvent?: (name: string, event: AmiPacket) => void;
  /** Told once why a connection that was up is gone, unless it was closed on this side. */
  readonly onLost?: (reason: AmiError) => void;
  /** Told what onEvent threw; a process warning by default. */
  readonly onError?: (error: unknown) => void;
  readonly limits?: Partial<AmiLimits>;
}

/** What can be asked of Asterisk. Everything rejects with an AmiError and nothing else, and settles in time. */
export interface AmiActions {
  /** All channels there are; rejects with `bad_reply` when the list isn't whole. */
  coreShowChannels(): Promise<readonly AmiChannel[]>;
  /** Ends a channel, given by its name or its uniqueid, with a cause of Q.850; `failed` when there is none. */
  hangup(channel: string, cause: number): Promise<void>;
  /** Tells a channel's own telephone what its call has cost so far; `failed` when there is no such channel. */
  adviseCharge(channel: string, chargedRappen: Rappen): Promise<void>;
  ping(): Promise<void>;
  /** `systemname` of asterisk.conf, which stands with a hyphen before each uniqueid; empty when it has none. */
  systemName(): Promise<string>;
}

export interface AmiConnection extends AmiActions, AsyncDisposable {
  /**
   * The value of a global variable of the dialplan, or of a function that needs no channel, `STRFTIME(,,%s)`. Empty, too,
   * when there is no such variable or function: Asterisk doesn't tell the one from the other.
   */
  getVariable(expression: string): Promise<string>;
  /** Every step of the dialplan that runs, in no order that means anything. */
  showDialplan(): Promise<readonly DialplanStep[]>;
}

/**
 * Logs in to Asterisk's manager interface, for one connection. This is the one place that uses asterisk-manager: its
 * writing of actions, its login and its dispatch of replies, while ami-connection.ts does the reading and keeps time.
 * Its own reconnecting is never used, because a connection that drops in mid-packet leaves a manager deaf for ever:
 * each connection has a fresh one, and ami-link.ts makes the next.
 */
export async function connectAmi(options: AmiOptions & { readonly signal?: AbortSignal }): Promise<AmiConnection> {
  checkAmiOptions(options);
  const { host, port, user, secret, onEvent, onLost = () => {}, onError = warn } = options;
  const manager = makeManager<AmiReply>(null, host, user, secret);
  const core = new AmiConnectionCore({
    manager,
    socket: openSocket(manager, { host, port }),
    limits: { ...AMI_LIMITS, ...options.limits },
    eventMask: onEvent ? "call,cdr" : "off",
    onEvent: (name, event) => {
      try {
        onEvent?.(name, event);
      } catch (error) {
        onError(error);
      }
    },
    onLost,
  });
  await core.login(options.signal);
  return {
    coreShowChannels: () => listChannels(core),
    async hangup(channel, cause) {
      // Between slashes Asterisk would take it for a pattern, and end every call that fits.
      if (channel === "" || channel.startsWith("/")) throw new AmiError("bad_argument", "this names no channel");
      if (!Number.isInteger(cause) || cause < 1 || cause > 127)
        throw new AmiError("bad_argument", `${cause} is no cause of Q.850`);
      await core.ask({ Action: "Hangup", Channel: channel, Cause: String(cause) });
    },
    async adviseCharge(channel, chargedRappen) {
      if (channel === "") throw new AmiError("bad_argument", "this names no channel");
      await core.ask({
        Action: "AOCMessage",
        Channel: channel,
        MsgType: "D",
        ChargeType: "Currency",
        CurrencyName: "CHF",
        CurrencyAmount: String(chargedRappen),
        CurrencyMultiplier: "OneHundredth",
        TotalType: "SubTotal",
      });
    },
    async ping() {
      await core.ask({ Action: "Ping" });
    },
    async systemName() {
      const { packet } = await core.ask({ Action: "CoreSettings" });
      const name = packet.get("systemname");
      if (name === undefined) throw new AmiError("bad_reply", "Asterisk did not tell its system name");
      return name;
    },
    async getVariable(expression) {
      const { packet } = await core.ask({ Action: "Getvar", Variable: expression });
      return packet.get("value") ?? "";
    },
    async showDialplan() {
      const { items } = await core.ask({ Action: "ShowDialPlan" }, "list");
      return items.flatMap((item) => readStep(item) ?? []);
    },
    [Symbol.asyncDispose]: () => core.close(),
  };
}

/**
 * In the moment in which a call is made, until the dialplan has cleaned its caller's number, a line break in it cuts that
 * channel's entry in two. Then the list is asked for again: whoever calls can't keep it from being read.
 */
async function listChannels(core: AmiConnectionCore): Promise<readonly AmiChannel[]> {
  for (let triesLeft = LIST_TRIES_MAX; ; triesLeft -= 1) {
    const { items } = await core.ask({ Action: "CoreShowChannels" }, "list");
    const channels = items.map(readChannel);
    if (channels.every((channel) => channel !== null)) return channels;
    if (triesLeft === 1) throw new AmiError("bad_reply", "Asterisk listed a channel without all that belongs to one");
  }
}

/** Throws bad_argument for options with which there can never be a connection. */
export function checkAmiOptions({ host, port, user, secret, limits }: AmiOptions): void {
  const { valueBytes } = { ...AMI_LIMITS, ...limits };
  for (const value of [host, user, secret])
    if (checkValue(value, valueBytes) === "") throw new AmiError("bad_argument", "host, user or secret is empty");
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new AmiError("bad_argument", `${port} is no TCP port`);
}

/**
 * Has the manager open its socket, and takes the reading of it away from it. The library shows its socket to nobody, so
 * we listen where Node announces new ones: it does so inside the call.
 */
function openSocket(
  manager: AsteriskManager<AmiReply>,
  { host, port }: { readonly host: string; readonly port: number },
): Socket {
  const opened: Socket[] = [];
  const keep = (message: unknown) => {
    opened.push((message as { readonly socket: Socket }).socket);
  };
  subscribe("net.client.socket", keep);
  try {
    manager.connect(port, host);
  } finally {
    unsubscribe("net.client.socket", keep);
  }
  const [socket, ...others] = opened;
  if (socket === undefined || others.length > 0 || socket.listenerCount("data") !== 1)
    throw new Error("this is not the manager of asterisk-manager 0.2.0");
  socket.removeAllListeners("data");
  return socket;
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)));
}
