import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { PublicError } from "../core/errors.ts";
import { type Language, type MessageKey, message } from "../core/messages.ts";
import type { Db } from "../db/database.ts";
import { isDatabaseAway } from "../db/unavailable.ts";
import type { BrandView } from "./brand.ts";
import { languageOf, languageQuery } from "./language.ts";
import { frame } from "./templates.ts";

type Status = 400 | 403 | 404 | 409 | 413 | 422 | 429 | 500 | 503;

export interface ErrorPage {
  readonly status: Status;
  /** Language of the transaction, where there is one. */
  readonly language?: Language | null;
  /** The look of the merchant, where one is known. */
  readonly brand?: BrandView;
  /** In place of the general words for the status. */
  readonly title?: string;
  readonly text?: string;
  /** Where a shopper can go on; the resume page unless told. */
  readonly next?: { readonly href: string; readonly text: string };
}

const KEYS: Readonly<Record<Status, readonly [MessageKey, MessageKey]>> = {
  400: ["error.400.title", "error.400.text"],
  403: ["error.403.title", "error.403.text"],
  404: ["error.404.title", "error.404.text"],
  409: ["error.400.title", "error.400.text"],
  413: ["error.400.title", "error.400.text"],
  422: ["error.400.title", "error.400.text"],
  429: ["error.429.title", "error.429.text"],
  500: ["error.500.title", "error.500.text"],
  503: ["error.maintenance.title", "error.maintenance.text"],
};
const RETRY_SECONDS = 60;

/** An error in the shopper's language, with the request's id and, where a call may be running, the truth about it. */
export async function showErrorPage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: ErrorPage,
): Promise<FastifyReply> {
  const { status } = page;
  const language = languageOf(request, page.language);
  const [titleKey, textKey] = KEYS[status];
  const title = page.title ?? message(language, titleKey);
  const duration = message(language, "unit.seconds", { n: Number(reply.getHeader("retry-after") ?? RETRY_SECONDS) });
  const fromPayPage = request.url.startsWith("/pay/");
  return reply.code(status).view("error.njk", {
    ...frame(language, title, page.brand),
    text: page.text ?? message(language, textKey, { duration }),
    duringCall: fromPayPage && (status === 429 || status >= 500),
    next: page.next ?? {
      href: `/resume${languageQuery(request)}`,
      text: message(language, "pay.resume.title"),
    },
    requestId: request.id,
    hasLanguages: request.method === "GET",
  });
}

/** The page of an address that leads nowhere. */
export async function answerUnknownAddress(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  return showErrorPage(request, reply, { status: 404 });
}

/**
 * Whatever was thrown: expected refusals keep their status, everything else is ours, logged, and told as such. While the
 * database is away no call could be paid with, so the page says not to make one.
 */
export function answerErrors(db: Db) {
  return async (
    error: FastifyError | PublicError,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const thrown = statusOf(error instanceof PublicError ? error.status : (error.statusCode ?? 500));
    const status = thrown === 500 && (await isDatabaseAway(db, error)) ? 503 : thrown;
    if (status >= 500) request.log.error({ err: error }, "a page failed");
    if (status === 503) reply.header("retry-after", RETRY_SECONDS);
    return showErrorPage(request, reply, { status });
  };
}

function statusOf(status: number): Status {
  switch (status) {
    case 403:
    case 404:
    case 409:
    case 413:
    case 429:
    case 503:
      return status;
  }
  return status >= 400 && status < 500 ? 400 : 500;
}
