import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { type OpenDatabase, openDatabase } from "../../db/database.ts";

/** A database behind a wire of its own, which can be cut: connections break, and new ones are refused. */
export interface DatabaseLink extends OpenDatabase {
  cut(): Promise<void>;
  mend(): Promise<void>;
}

export async function linkDatabase(url: string): Promise<DatabaseLink> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket
        .on("error", () => {})
        .on("close", () => {
          sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
    }
    near.pipe(far).pipe(near);
  });
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  await listen(0);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const { port } = address;
  const cut = async () => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const through = new URL(url);
  through.host = `127.0.0.1:${port}`;
  const database = openDatabase(through.href);
  return {
    ...database,
    cut,
    mend: () => listen(port),
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      if (server.listening) await cut();
    },
  };
}
