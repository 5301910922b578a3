import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { FastifyInstance } from "fastify";

export interface Answered {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** What becomes of an answer on its way; null when it is lost. */
export type Disturbance = (answered: Answered, path: string) => Answered | null;

/** The line between a shop and the server: it tells what was asked, and can be disturbed. */
export interface ShopLine extends AsyncDisposable {
  readonly url: string;
  /** Such as `POST /v1/quotes`. */
  readonly asked: readonly string[];
  /** The disturbance lasts until it is given back. */
  disturb(disturbance: Disturbance): Disposable;
}

export async function openLine(app: FastifyInstance): Promise<ShopLine> {
  const asked: string[] = [];
  let disturbance: Disturbance = (answered) => answered;
  const server = createServer((request, response) => {
    const carry = async () => {
      const { method, url = "/", headers } = request;
      asked.push(`${method} ${url}`);
      const { "content-length": _length, ...rest } = headers;
      const payload = await buffer(request);
      const answer = await app.inject({
        method: method === "POST" ? "POST" : "GET",
        url,
        headers: rest,
        ...(payload.length > 0 ? { payload } : {}),
      });
      const type = String(answer.headers["content-type"]);
      const carried = disturbance({ status: answer.statusCode, type, body: answer.body }, url);
      if (carried === null) request.socket.destroy();
      else response.writeHead(carried.status, { "content-type": carried.type }).end(carried.body);
    };
    carry().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    disturb(wanted) {
      const before = disturbance;
      disturbance = wanted;
      return {
        [Symbol.dispose]() {
          disturbance = before;
        },
      };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
