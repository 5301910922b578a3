import { setTimeout as delay } from "node:timers/promises";
import {
  type AmiActions,
  type AmiConnection,
  AmiError,
  type AmiErrorKind,
  type AmiOptions,
  type AmiPacket,
  checkAmiOptions,
  connectAmi,
} from "./ami.ts";

/** How a lost connection is made again. */
export interface BackOffLimits {
  readonly firstMilliseconds: number;
  readonly mostMilliseconds: number;
  /** A connection that held for so long was well: after it, waiting begins anew with the first step. */
  readonly steadyMilliseconds: number;
}

export const BACK_OFF_LIMITS: BackOffLimits = {
  firstMilliseconds: 500,
  mostMilliseconds: 30_000,
  steadyMilliseconds: 10_000,
};

export interface AmiListener {
  /** The connection is up, for the first time or again: what was known of Asterisk may be out of date. */
  readonly onUp?: () => void;
  /** It is gone, or could not be made; told once for each kind of reason until it is up again. */
  readonly onDown?: (reason: AmiError) => void;
  readonly onEvent?: (name: string, event: AmiPacket) => void;
}

/** A connection that comes back by itself. While there is none, actions reject at once with `unreachable`. */
export interface AmiLink extends AmiActions, AsyncDisposable {
  readonly up: boolean;
  /** Tells a listener what happens from now on; one that comes while the connection is up hears so at once. */
  listen(listener: AmiListener): Disposable;
}

export interface AmiLinkOptions extends Omit<AmiOptions, "onEvent" | "onLost"> {
  readonly backOff?: Partial<BackOffLimits>;
  /** From 0 to 1, for the jitter: many links must not all come back to an Asterisk in the same moment. */
  readonly random?: () => number;
}

/** Connects, and again whenever the connection is lost, until it is disposed of. Throws only for options that can never work. */
export function superviseAmi(options: AmiLinkOptions): AmiLink {
  checkAmiOptions(options);
  const listeners = new Set<AmiListener>();
  const stop = new AbortController();
  let connection: AmiConnection | null = null;

  const current = (): AmiConnection => {
    if (connection) return connection;
    throw new AmiError("unreachable", "there is no connection to Asterisk's manager interface now");
  };
  const keeping = keepConnected(options, stop.signal, {
    onUp(made) {
      connection = made;
      for (const { onUp } of listeners) onUp?.();
    },
    onOver() {
      connection = null;
    },
    onDown(reason) {
      for (const { onDown } of listeners) onDown?.(reason);
    },
    onEvent(name, event) {
      for (const { onEvent } of listeners) onEvent?.(name, event);
    },
  });

  return {
    get up() {
      return connection !== null;
    },
    listen(listener) {
      listeners.add(listener);
      if (connection) listener.onUp?.();
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    coreShowChannels: async () => current().coreShowChannels(),
    hangup: async (channel, cause) => current().hangup(channel, cause),
    adviseCharge: async (channel, chargedRappen) => current().adviseCharge(channel, chargedRappen),
    ping: async () => current().ping(),
    systemName: async () => current().systemName(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await keeping;
    },
  };
}

interface ConnectionNews {
  readonly onUp: (connection: AmiConnection) => void;
  /** The connection has ended, or could not be made. */
  readonly onOver: () => void;
  /** The same, where it is worth telling. */
  readonly onDown: (reason: AmiError) => void;
  readonly onEvent: (name: string, event: AmiPacket) => void;
}

async function keepConnected(options: AmiLinkOptions, stop: AbortSignal, news: ConnectionNews): Promise<void> {
  const backOff = { ...BACK_OFF_LIMITS, ...options.backOff };
  const { random = Math.random } = options;
  let failures = 0;
  let told: AmiErrorKind | null = null;
  while (!stop.aborted) {
    const { reason, heldMs } = await hold({ ...options, onEvent: news.onEvent }, news.onUp, stop);
    news.onOver();
    if (stop.aborted) return;
    if (heldMs !== null || reason.kind !== told) news.onDown(reason);
    told = reason.kind;
    if (heldMs !== null && heldMs >= backOff.steadyMilliseconds) failures = 0;
    const step = Math.min(backOff.mostMilliseconds, backOff.firstMilliseconds * 2 ** failures++);
    await pause(step * (0.5 + random() / 2), stop);
  }
}

/** One connection from its making to its end: why it ended, and how long it was up; null when it never was. */
async function hold(
  options: AmiOptions,
  connected: (connection: AmiConnection) => void,
  stop: AbortSignal,
): Promise<{ readonly reason: AmiError; readonly heldMs: number | null }> {
  const lost = Promise.withResolvers<AmiError>();
  const stopped = () => lost.resolve(new AmiError("closed", "the link was given back"));
  stop.addEventListener("abort", stopped, { once: true });
  try {
    await using connection = await connectAmi({ ...options, onLost: lost.resolve, signal: stop });
    const upAt = performance.now();
    connected(connection);
    if (stop.aborted) stopped();
    return { reason: await lost.promise, heldMs: performance.now() - upAt };
  } catch (error) {
    const reason = error instanceof AmiError ? error : new AmiError("closed", "the link broke", { cause: error });
    return { reason, heldMs: null };
  } finally {
    stop.removeEventListener("abort", stopped);
  }
}

function pause(milliseconds: number, until: AbortSignal): Promise<void> {
  return delay(milliseconds, undefined, { signal: until }).catch(() => {});
}
