import type { FastifyReply, FastifyRequest } from "fastify";
import { chooseLanguage, LANGUAGES, type Language, translator } from "./texts.ts";

export interface Query {
  readonly lang?: string;
  readonly transaction?: string;
  readonly number?: string;
  readonly account?: string;
}

export const QUERY = {
  type: "object",
  properties: {
    lang: { type: "string", maxLength: 10 },
    transaction: { type: "string", maxLength: 64 },
    number: { type: "string", maxLength: 20 },
    account: { type: "string", maxLength: 20 },
  },
} as const;

/** A page that says one thing. */
export function notice(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  key: "demo.unknown" | "demo.unavailable" | "demo.cancelled",
  detail?: string,
) {
  const language = languageOf(request);
  return reply
    .status(status)
    .view("notice.njk", { ...frame(request, language), text: translator(language)(key), detail });
}

export function languageOf(request: FastifyRequest): Language {
  return chooseLanguage((request.query as Query | undefined)?.lang, request.headers["accept-language"]);
}

/** What every page needs: its texts, links to itself in the other languages, and whether it stands in a frame of ours. */
export function frame(request: FastifyRequest, language: Language) {
  const links = LANGUAGES.map((other) => {
    const query = new URLSearchParams(request.query as Record<string, string>);
    query.set("lang", other);
    return { language: other, href: `?${query.toString()}`, current: other === language };
  });
  return { t: translator(language), language, links, framed: request.headers["sec-fetch-dest"] === "iframe" };
}
