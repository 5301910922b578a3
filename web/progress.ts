import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { showErrorPage } from "./error-page.ts";
import type { WebOptions } from "./options.ts";
import { ProgressStream } from "./progress-stream.ts";
import { PROGRESS_OPENINGS } from "./rate-limits.ts";
import { answerUnknownTransactions, idOf } from "./transaction-in-path.ts";
import { WatcherPlaces } from "./watcher-places.ts";

/** Proxies and browsers give up on a silent stream; a comment keeps it open. */
const HEARTBEAT_MS = 15_000;
const RETRY_AFTER_SECONDS = 10;

/** Live progress of a payment as server-sent events: the state now, then every pulse and every change. */
export function progressRoute(app: FastifyInstance, options: WebOptions): void {
  const unknown = answerUnknownTransactions(app);
  const places = new WatcherPlaces();
  const streams = new Set<ProgressStream>();
  const heart = setInterval(() => {
    for (const stream of streams) stream.beat();
  }, HEARTBEAT_MS);
  heart.unref();
  // Before the server waits for its connections to end, or it would wait for pages that stay open.
  app.addHook("preClose", async () => {
    clearInterval(heart);
    for (const stream of streams) stream.close();
  });

  async function streamProgress(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const id = idOf(request);
    if (!id) return unknown(request, reply);
    const leave = places.take(request.ip, id);
    if (!leave) return showErrorPage(request, reply.header("retry-after", RETRY_AFTER_SECONDS), { status: 429 });
    const stream = new ProgressStream(options, request, id);
    streams.add(stream);
    stream.onClose(() => {
      streams.delete(stream);
      leave();
    });
    try {
      if (await stream.open(reply)) return reply;
    } catch (error) {
      stream.close();
      throw error;
    }
    stream.close();
    return unknown(request, reply);
  }

  // Without HEAD: it would open a stream that nobody reads.
  const limited = { config: { rateLimit: PROGRESS_OPENINGS }, exposeHeadRoute: false };
  app.get("/pay/:id/progress", limited, streamProgress);
}
