import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { showErrorPage } from "./error-page.ts";
import { languageOf } from "./language.ts";
import { OpenStreams } from "./open-streams.ts";
import type { WebOptions } from "./options.ts";
import { ProgressStream } from "./progress-stream.ts";
import { PROGRESS_OPENINGS } from "./rate-limits.ts";
import { answerUnknownTransactions, idOf } from "./transaction-in-path.ts";
import type { WatchedPayment } from "./watched-payment.ts";
import { WatchedPayments } from "./watched-payments.ts";
import { WatcherPlaces } from "./watcher-places.ts";

const RETRY_AFTER_SECONDS = 10;

/** Live progress of a payment as server-sent events: the state now, then every pulse and every change. */
export function progressRoute(app: FastifyInstance, options: WebOptions): void {
  const unknown = answerUnknownTransactions(app);
  const places = new WatcherPlaces();
  const streams = new OpenStreams();
  const payments = new WatchedPayments(options, (error) => app.log.warn({ err: error }, "progress could not be read"));
  // Before the server waits for its connections to end, or it would wait for pages that stay open.
  app.addHook("preClose", async () => {
    payments.close();
    streams.close();
  });

  async function streamProgress(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const id = idOf(request);
    if (!id) return unknown(request, reply);
    const giveBack = places.take(request.ip);
    if (!giveBack) return showErrorPage(request, reply.header("retry-after", RETRY_AFTER_SECONDS), { status: 429 });
    const watched = payments.enter(id);
    const held = new DisposableStack();
    held.defer(giveBack);
    held.defer(watched.leave);
    try {
      const progress = await watched.payment.read();
      if (!progress) return unknown(request, reply);
      const language = languageOf(request, progress.transaction.language);
      follow(new ProgressStream(reply, language), watched.payment, held.move());
      return reply;
    } finally {
      held.dispose();
    }
  }

  /** From now on the stream tells how far the payment is, until one of the two sides ends it. */
  function follow(stream: ProgressStream, payment: WatchedPayment, held: DisposableStack): void {
    payment.add(stream);
    held.defer(() => payment.remove(stream));
    const beat = () => {
      stream.beat();
      payment.lookAtClock();
    };
    held.defer(streams.keep({ beat, close: () => stream.close() }));
    stream.onClose(() => held.dispose());
  }

  // Without HEAD: it would open a stream that nobody reads.
  const limited = { config: { rateLimit: PROGRESS_OPENINGS }, exposeHeadRoute: false };
  app.get("/pay/:id/progress", limited, streamProgress);
}
