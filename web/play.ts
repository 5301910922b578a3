import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ErrorCode } from "../core/errors.ts";
import { isPlay } from "../core/played-call.ts";
import { languageQuery } from "./language.ts";
import type { WebOptions } from "./options.ts";
import { readPayFacts } from "./pay-facts.ts";
import { refusePlay } from "./play-refusal.ts";
import { PAGE_VIEWS, PLAY_TRIES } from "./rate-limits.ts";
import type { TestCalls } from "./test-calls.ts";
import { answerUnknownTransactions, idOf } from "./transaction-in-path.ts";
import type { PayFacts } from "./view-model.ts";

/** Plays the caller of a test transaction: a form on its pay page, and one line of curl. */
export function playRoutes(app: FastifyInstance, options: WebOptions, testCalls: TestCalls | null): void {
  const { db, baseUrl, provider } = options;
  const unknown = answerUnknownTransactions(app);

  async function play(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const id = idOf(request);
    const facts = id ? await readPayFacts(db, id, { provider, issue: false }) : null;
    if (!facts) return unknown(request, reply);
    const { action } = (request.body ?? {}) as { readonly action?: unknown };
    const refusal = await beginPlay(testCalls, facts, action);
    if (refusal) return refusePlay(request, reply, { transaction: facts.transaction, refusal, baseUrl });
    return reply.redirect(`/pay/${id}${languageQuery(request)}`, 303);
  }

  app.post("/pay/:id/play", { config: { rateLimit: PLAY_TRIES } }, play);
  app.get("/pay/:id/play", { config: { rateLimit: PAGE_VIEWS } }, async (request, reply) => {
    const id = idOf(request);
    return id ? reply.redirect(`/pay/${id}${languageQuery(request)}`, 303) : unknown(request, reply);
  });
}

async function beginPlay(testCalls: TestCalls | null, facts: PayFacts, action: unknown): Promise<ErrorCode | null> {
  if (!facts.transaction.test) return "test_only";
  if (!isPlay(action)) return "field_invalid";
  return testCalls ? testCalls.begin(facts, action) : "service_unavailable";
}
