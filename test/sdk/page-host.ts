import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** A request for a page that some interpreter is to answer. */
export interface PageRequest {
  readonly method: string;
  /** Without the slash in front. */
  readonly page: string;
  readonly query: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** Of the host itself. */
  readonly url: string;
}

export interface PageAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** A web server whose pages are answered by `answer`; what it throws is a 500 that says why. */
export async function servePages(answer: (request: PageRequest) => Promise<PageAnswer>) {
  let url = "";
  const server = createServer((request, response) => {
    const serve = async () => {
      const { pathname, search } = new URL(request.url ?? "/", url);
      const body = await buffer(request);
      const { method = "GET", headers } = request;
      return answer({ method, page: pathname.slice(1), query: search.slice(1), headers, body, url });
    };
    serve().then(
      ({ status, headers, body }) => response.writeHead(status, headers.flat()).end(body),
      (error: unknown) => response.writeHead(500, { "content-type": "text/plain" }).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
