import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

export const GREETING = "Asterisk Call Manager/9.0.0\r\n";

/** One action as it came over the wire. */
export type Action = ReadonlyMap<string, string>;

/** Things that come one by one and are asked for one by one. */
class Mailbox<T> {
  readonly unread: T[] = [];
  readonly #waiting: ((thing: T) => void)[] = [];

  put(thing: T): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(thing);
    else this.unread.push(thing);
  }

  async next(): Promise<T> {
    const thing = this.unread.shift();
    return thing ?? (await new Promise((resolve) => this.#waiting.push(resolve)));
  }
}

/** Asterisk's end of one AMI connection: it says exactly what a test tells it to. */
export class RawManagerConnection {
  readonly socket: Socket;
  readonly #actions = new Mailbox<Action>();
  #text = "";

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.setEncoding("utf8").on("data", (text: string) => this.#take(text));
  }

  /** The next action that has come. */
  action(): Promise<Action> {
    return this.#actions.next();
  }

  /** Actions that nobody has asked for. */
  get unread(): readonly Action[] {
    return this.#actions.unread;
  }

  send(text: string): void {
    this.socket.write(text);
  }

  packet(fields: Readonly<Record<string, string>>): void {
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    this.send(`${lines.join("")}\r\n`);
  }

  reply(action: Action, fields: Readonly<Record<string, string>> = {}): void {
    this.packet({ Response: "Success", ActionID: action.get("actionid") ?? "", ...fields });
  }

  /** Lets the client in: it logs in, and ours also says which events it wants. */
  async letIn(what: "ours" | "bare" = "ours"): Promise<this> {
    this.reply(await this.action(), { Message: "Authentication accepted" });
    if (what === "ours") this.reply(await this.action(), { Events: "On" });
    return this;
  }

  async closed(): Promise<void> {
    if (!this.socket.closed) await new Promise((resolve) => this.socket.once("close", resolve));
  }

  #take(text: string): void {
    const packets = (this.#text + text).split("\r\n\r\n");
    this.#text = packets.pop() ?? "";
    for (const packet of packets)
      this.#actions.put(
        new Map(
          packet.split("\r\n").map((line) => {
            const colon = line.indexOf(": ");
            return [line.slice(0, colon).toLowerCase(), line.slice(colon + 2)];
          }),
        ),
      );
  }
}

/** A server on Asterisk's side of AMI. */
export class RawManager implements AsyncDisposable {
  readonly #server: Server;
  readonly #connections = new Mailbox<RawManagerConnection>();
  readonly #sockets = new Set<Socket>();
  accepted = 0;

  private constructor(greeting: string) {
    this.#server = createServer((socket) => {
      this.accepted += 1;
      this.#sockets.add(socket);
      const connection = new RawManagerConnection(socket);
      if (greeting !== "") connection.send(greeting);
      this.#connections.put(connection);
    });
  }

  static async listen(greeting = GREETING, port = 0): Promise<RawManager> {
    const manager = new RawManager(greeting);
    manager.#server.listen(port, "127.0.0.1");
    await once(manager.#server, "listening");
    return manager;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("no TCP port");
    return address.port;
  }

  /** The next connection that has come. */
  connection(): Promise<RawManagerConnection> {
    return this.#connections.next();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
