import { once } from "node:events";
import type { Server, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import dingDong from "ding-dong";
import type Context from "ding-dong/lib/context.js";
import { type AgiChannel, createAgiChannel } from "./agi-channel.ts";
import { AGI_LIMITS, AgiConnection, type AgiLimits } from "./agi-connection.ts";
import { AgiError, type AgiReply } from "./agi-reply.ts";

export type { AgiChannel } from "./agi-channel.ts";
export type { AgiLimits } from "./agi-connection.ts";
export { AgiError, type AgiReply } from "./agi-reply.ts";

export interface FastAgiOptions {
  /** The address to listen on; the loopback address when empty or missing. AGI has no password. */
  readonly host?: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Runs one call. The connection ends when it settles; a call that hung up or closed under it is no error. */
  readonly onRequest: (channel: AgiChannel) => Promise<void>;
  /** Told of what onRequest threw, and of peers that broke the protocol or a limit. A process warning by default. */
  readonly onError?: (error: unknown) => void;
  readonly limits?: Partial<AgiLimits>;
}

export interface FastAgiServer extends AsyncDisposable {
  readonly port: number;
  /** Calls whose socket is open or whose onRequest still runs. */
  readonly connections: number;
  /** Accepts no more calls, waits this long for the running ones, and closes what is left. */
  drain(milliseconds: number): Promise<void>;
}

/**
 * Listens for Asterisk's `AGI(agi://…)`. This is the one place that uses ding-dong: its server and its context with
 * the commands, while agi-connection.ts does the reading and sending. Throws what listening throws.
 */
export async function serveFastAgi(options: FastAgiOptions): Promise<FastAgiServer> {
  const onError = options.onError ?? warn;
  const call: CallOptions = { onRequest: options.onRequest, onError, limits: { ...AGI_LIMITS, ...options.limits } };
  const calls = new Map<AgiConnection, Promise<void>>();

  const server = startServer(options, (socket, context) => {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, call.limits.keepAliveMilliseconds);
    const connection = new AgiConnection({ stream: socket, context, limits: call.limits });
    calls.set(
      connection,
      serveCall(connection, call).finally(() => calls.delete(connection)),
    );
  });
  server.maxConnections = call.limits.connections;
  const closed = new Promise<void>((resolve) => server.once("close", resolve));
  await once(server, "listening");
  server.on("error", onError);
  server.on("drop", () => onError(new AgiError("failed", "too many AGI connections: one was refused")));

  const close = async () => {
    server.close();
    for (const connection of calls.keys()) connection.destroy();
    await closed;
  };
  return {
    port: portOf(server),
    get connections() {
      return calls.size;
    },
    async drain(milliseconds) {
      server.close();
      const timer = new AbortController();
      await Promise.race([
        Promise.allSettled(calls.values()),
        delay(milliseconds, undefined, { signal: timer.signal }).catch(() => {}),
      ]);
      timer.abort();
      await close();
    },
    [Symbol.asyncDispose]: close,
  };
}

interface CallOptions {
  readonly onRequest: (channel: AgiChannel) => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly limits: AgiLimits;
}

/** Runs one call to its end: never rejects for what the peer did, and leaves no open stream behind. */
export async function serveCall(connection: AgiConnection, { onRequest, onError, limits }: CallOptions): Promise<void> {
  let thrown: unknown = null;
  try {
    const environment = await connection.environment;
    await onRequest(createAgiChannel({ connection, environment, limits }));
  } catch (error) {
    thrown = error;
  } finally {
    connection.end();
  }
  const callIsOver = thrown instanceof AgiError && (thrown.kind === "hung_up" || thrown.kind === "closed");
  if (thrown !== null && !callIsOver) onError(thrown);
  // A breach that no command was waiting for reaches onRequest as "closed" only, and would never be heard of.
  if (connection.fault !== null && connection.fault !== thrown) onError(connection.fault);
  await connection.closed;
}

/**
 * Starts ding-dong's server, but hands it an empty stream in place of the socket: its context then carries the
 * commands without reading a byte, and the socket is free for AgiConnection.
 */
function startServer(
  { host, port }: FastAgiOptions,
  onSocket: (socket: Socket, context: Context<AgiReply>) => void,
): Server {
  // As text, any other value would be taken for the path of a local socket.
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new RangeError(`${port} is no TCP port`);
  let latest: Context<AgiReply> | null = null;
  const keep = (context: Context<AgiReply>) => {
    latest = context;
  };
  // ding-dong takes the number 0 for "not given" and listens on 3000; the text "0" reaches the socket.
  const server = dingDong<AgiReply>(keep).start(String(port), host || "127.0.0.1");
  const [makeContext, ...others] = server.listeners("connection");
  if (makeContext === undefined || others.length > 0) throw new Error("this is not the server of ding-dong 0.1.7");
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    makeContext(EMPTY_STREAM);
    if (latest !== null) onSocket(socket, latest);
  });
  return server;
}

const EMPTY_STREAM: Pick<Duplex, "on"> = { on: () => EMPTY_STREAM as Duplex };

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server is not listening on a TCP port");
  return address.port;
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)));
}
