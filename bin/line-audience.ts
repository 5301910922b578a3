import type { FastifyReply } from "fastify";
import type { LineNews } from "./line-news.ts";

/** News kept per call, for a page that listens late or again; a call of an hour has a few hundred. */
const NEWS_MAX = 2_000;
const LISTENERS_MAX = 5;
/** A page that has listened and is gone for so long doesn't come back. */
const DESERTED_MS_MAX = 15_000;
const HEARTBEAT_MS = 15_000;

/** The pages that follow one call by server-sent events. */
export interface Audience {
  readonly tell: (news: LineNews) => void;
  /** Streams all news from the first on, and ends with the call. */
  readonly listen: (reply: FastifyReply) => FastifyReply;
}

/** `onDeserted` is called when pages have listened, the call goes on, and none has come back in time. */
export function gatherAudience({ onDeserted }: { readonly onDeserted: () => void }): Audience {
  const told: LineNews[] = [];
  const listeners = new Set<FastifyReply>();
  let deserted: NodeJS.Timeout | undefined;
  let over = false;

  const write = (reply: FastifyReply, news: LineNews) => {
    reply.raw.write(`data: ${JSON.stringify(news)}\n\n`);
    if (news.kind === "ended") reply.raw.end();
  };
  const leave = (reply: FastifyReply) => {
    listeners.delete(reply);
    if (listeners.size > 0 || over) return;
    clearTimeout(deserted);
    deserted = setTimeout(onDeserted, DESERTED_MS_MAX);
  };

  return {
    tell(news) {
      if (over) return; // how its last prompt ended is told after the call has
      if (told.length < NEWS_MAX || news.kind === "ended") told.push(news);
      if (news.kind === "ended") {
        over = true;
        clearTimeout(deserted);
      }
      for (const reply of listeners) write(reply, news);
    },
    listen(reply) {
      if (listeners.size >= LISTENERS_MAX) return reply.code(429).send({ error: "too many listen to this call" });
      const headers = reply.getHeaders() as Record<string, string>;
      reply.hijack();
      reply.raw.writeHead(200, { ...headers, "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      clearTimeout(deserted);
      listeners.add(reply);
      const heartbeat = setInterval(() => reply.raw.write(":\n\n"), HEARTBEAT_MS);
      reply.raw.once("close", () => {
        clearInterval(heartbeat);
        leave(reply);
      });
      for (const news of told) write(reply, news);
      return reply;
    },
  };
}
