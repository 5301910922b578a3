import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";

/** A request as a receiver read it. */
export interface Got {
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly url: string;
}

export type Behaviour = (response: ServerResponse, got: Got) => void;

/** A merchant's real HTTP server, which keeps what it gets. */
export class Receiver implements AsyncDisposable {
  readonly got: Got[] = [];
  readonly url: string;
  behave: Behaviour;
  readonly #server: ReturnType<typeof createServer>;
  #heard = Promise.withResolvers<void>();

  static async open(behave: Behaviour = (response) => response.end("thanks"), host = "127.0.0.1", port = 0) {
    const receiver: { of?: Receiver } = {};
    const server = createServer((request, response) => void receiver.of?.receive(request, response));
    server.listen(port, host);
    await once(server, "listening");
    const url = `http://${host}:${(server.address() as AddressInfo).port}/webhooks`;
    receiver.of = new Receiver(server, url, behave);
    return receiver.of;
  }

  constructor(server: ReturnType<typeof createServer>, url: string, behave: Behaviour) {
    this.#server = server;
    this.url = url;
    this.behave = behave;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Settles as soon as so many requests have come. */
  async heard(count: number): Promise<void> {
    while (this.got.length < count) await this.#heard.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += String(piece);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const got = { id: headers["webhook-id"] ?? "", headers, body, url: request.url ?? "" };
    this.got.push(got);
    this.#heard.resolve();
    this.#heard = Promise.withResolvers();
    this.behave(response, got);
  }
}

/** What a message says, if the merchant's library of Standard Webhooks believes it; throws if it doesn't. */
export function verified(secret: string, got: Got | undefined) {
  if (!got) throw new Error("nothing was received");
  return new Webhook(secret).verify(got.body, got.headers) as {
    readonly type: string;
    readonly timestamp: string;
    readonly sequence: number;
    readonly data: Readonly<Record<string, unknown>>;
  };
}
