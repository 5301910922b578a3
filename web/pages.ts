import formbody from "@fastify/formbody";
import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance } from "fastify";
import { accessRoutes } from "./access.ts";
import { brandRoutes } from "./brand.ts";
import { donationRoutes } from "./donation.ts";
import { answerErrors, answerUnknownAddress } from "./error-page.ts";
import { strictHeaders } from "./headers.ts";
import type { WebOptions } from "./options.ts";
import { payRoutes } from "./pay.ts";
import { playRoutes } from "./play.ts";
import { progressRoute } from "./progress.ts";
import { receiptRoutes } from "./receipt.ts";
import { resumeRoutes } from "./resume.ts";
import { requireSameOrigin } from "./same-origin.ts";
import { registerTemplates } from "./templates.ts";
import { openTestCalls, type TestCalls } from "./test-calls.ts";

/** Largest form that a page sends: an id and a language are far below. */
const FORM_BYTES_MAX = 4_096;

/**
 * Everything a shopper sees, as one Fastify plugin: `app.register(webPages, options)`. Headers, error pages, parsers and
 * limits stay inside it. Its 404 page answers every address that no other plugin has claimed by a prefix of its own.
 */
export async function webPages(app: FastifyInstance, options: WebOptions): Promise<void> {
  app.addHook("onRequest", strictHeaders(options.frameAncestors ?? []));
  app.addHook("onRequest", requireSameOrigin(options.baseUrl));
  app.setErrorHandler(answerErrors(options.db));
  app.setNotFoundHandler(answerUnknownAddress);
  await registerTemplates(app, options.baseUrl);
  await app.register(formbody, { bodyLimit: FORM_BYTES_MAX });
  await app.register(rateLimit, { global: false });
  payRoutes(app, options);
  receiptRoutes(app, options);
  resumeRoutes(app, options);
  donationRoutes(app, options);
  accessRoutes(app, options);
  brandRoutes(app, options);
  progressRoute(app, options);
  playRoutes(app, options, openLine(app, options));
}

/** The calls that are played go down with the server: each hangs up, and its books are closed. */
function openLine(app: FastifyInstance, { db, provider, testLine }: WebOptions): TestCalls | null {
  if (!testLine) return null;
  const onError = (error: unknown) => app.log.error({ err: error }, "a play failed");
  const testCalls = openTestCalls({ db, provider, line: testLine, onError });
  app.addHook("onClose", () => testCalls[Symbol.asyncDispose]());
  return testCalls;
}
