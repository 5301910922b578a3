import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { steadyNowMs } from "./running-payments.ts";

/**
 * The pages of bench/watchers.ts, in a process of their own: each a raw connection that takes server-sent events and
 * notes when which sum came. Told what to do by the parent, one thing after another.
 */
export type Order =
  | { readonly what: "watch"; readonly port: number; readonly ids: readonly string[]; readonly watchers: number }
  | { readonly what: "tell" }
  | { readonly what: "leave" };

/** What came to one page since it was asked last: sums and the moments of their arrival, in turn. */
export interface Heard {
  readonly id: string;
  readonly sums: readonly number[];
  readonly atMs: readonly number[];
}

export interface Watched {
  readonly openedMs: readonly number[];
  readonly seconds: number;
}

/** So many may come from one address (web/watcher-places.ts), and we leave it room. */
const WATCHERS_OF_ADDRESS = 500;
const OPENED_AT_ONCE = 200;
const LANGUAGES = ["fr", "de", "it", "en"] as const;
const SUM = Buffer.from('"billedRappen":');
const COMMA = ",".charCodeAt(0);

interface Page {
  readonly id: string;
  readonly socket: Socket;
  readonly sums: number[];
  readonly atMs: number[];
}

const pages: Page[] = [];

async function watch({ port, ids, watchers }: Order & { readonly what: "watch" }): Promise<Watched> {
  const openedMs: number[] = [];
  let begun = 0;
  const openTheRest = async () => {
    while (begun < watchers) {
      const index = begun++;
      const startedAtMs = steadyNowMs();
      await openPage(port, ids[index % ids.length] ?? "", index);
      openedMs.push(steadyNowMs() - startedAtMs);
    }
  };
  const startedAtMs = steadyNowMs();
  await Promise.all(Array.from({ length: OPENED_AT_ONCE }, openTheRest));
  return { openedMs, seconds: (steadyNowMs() - startedAtMs) / 1_000 };
}

/** Resolves with the first event: the page is up to date. */
async function openPage(port: number, id: string, index: number): Promise<void> {
  const localAddress = `127.0.0.${2 + Math.floor(index / WATCHERS_OF_ADDRESS)}`;
  const socket = connect({ port, host: "127.0.0.1", localAddress, noDelay: true });
  const page: Page = { id, socket, sums: [], atMs: [] };
  pages.push(page);
  const first = Promise.withResolvers<void>();
  socket.on("data", (chunk: Buffer) => {
    const atMs = steadyNowMs();
    for (let from = chunk.indexOf(SUM); from >= 0; from = chunk.indexOf(SUM, from + 1)) {
      const start = from + SUM.length;
      page.sums.push(Number(chunk.toString("latin1", start, chunk.indexOf(COMMA, start))));
      page.atMs.push(atMs);
      first.resolve();
    }
  });
  socket.on("error", (error) => first.reject(error));
  socket.on("close", () => first.reject(new Error("a stream was closed")));
  await once(socket, "connect");
  const language = LANGUAGES[index % LANGUAGES.length];
  socket.write(
    `GET /pay/${id}/progress?lang=${language} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`,
  );
  await first.promise;
}

function tell(): readonly Heard[] {
  return pages.map(({ id, sums, atMs }) => ({ id, sums: sums.splice(0), atMs: atMs.splice(0) }));
}

async function leave(): Promise<number> {
  const open = pages.splice(0).filter(({ socket }) => !socket.destroyed);
  await Promise.all(
    open.map(({ socket }) => {
      const closed = once(socket, "close");
      socket.destroy();
      return closed;
    }),
  );
  return open.length;
}

process.on("message", async (order: Order) => {
  if (order.what === "watch") process.send?.(await watch(order));
  else process.send?.(order.what === "tell" ? tell() : await leave());
});
