import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP connection's way over the network, which a test can cut so that neither end is told. */
export interface Wire extends AsyncDisposable {
  readonly address: string;
  /** From now on nothing gets through, in either direction, and nobody hears of it: what is a half-open connection. */
  cut(): void;
  /** What was under way on the cut wire is lost; new connections get through. */
  mend(): void;
}

/** Passes on what comes in to `port` on this machine; `onAnswer` is told all that comes back from there, connection by connection. */
export async function layWire(
  port: number,
  onAnswer: (connection: number, bytes: Buffer) => void = () => {},
): Promise<Wire> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let connections = 0;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    keep(near);
    if (isCut) return;
    const far = keep(connect(port, "127.0.0.1"));
    const connection = ++connections;
    far.on("data", (bytes) => onAnswer(connection, bytes));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("data", (chunk) => !isCut && to.write(chunk));
      from.on("close", () => !isCut && to.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true;
    },
    mend: () => {
      for (const socket of sockets) socket.destroy();
      isCut = false;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
