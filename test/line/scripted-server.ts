import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";

/** One request of the line, as a voice server sees it: raw lines. */
export interface Request {
  readonly socket: Socket;
  /** The agi_* lines in their order. */
  readonly environment: readonly string[];
  /** Sends a command and answers the next line. */
  readonly ask: (command: string) => Promise<string>;
  /** The next line; null when the line has let go. */
  readonly line: () => Promise<string | null>;
}

/** A FastAGI server that does what a test tells it to, request by request, and nothing else. */
export async function serveScript(
  run: (request: Request) => Promise<void>,
): Promise<AsyncDisposable & { address: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    void serve(socket, run);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    address: `127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function serve(socket: Socket, run: (request: Request) => Promise<void>): Promise<void> {
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const line = async () => {
    const next = await lines.next().catch(() => null); // a reset is an end, too
    return next === null || next.done ? null : next.value;
  };
  const environment: string[] = [];
  for (let next = await line(); next; next = await line()) environment.push(next);
  const ask = async (command: string) => {
    socket.write(`${command}\n`);
    return (await line()) ?? "closed";
  };
  await run({ socket, environment, line, ask });
  socket.end();
}
