import type { FastifyRequest } from "fastify";
import { isLanguage, type Language, preferredLanguage } from "../core/messages.ts";

/** What the shopper chose by a link wins, then what the merchant asked for, then the browser's wish, then French. */
export function languageOf(request: FastifyRequest, ofTransaction: Language | null = null): Language {
  return chosenLanguage(request) ?? ofTransaction ?? preferredLanguage(request.headers["accept-language"]) ?? "fr";
}

/** The part of an address that carries the shopper's choice along: «?lang=de», or nothing. */
export function languageQuery(request: FastifyRequest): string {
  const chosen = chosenLanguage(request);
  return chosen ? `?lang=${chosen}` : "";
}

function chosenLanguage(request: FastifyRequest): Language | null {
  const { lang } = request.query as { readonly lang?: unknown };
  return isLanguage(lang) ? lang : null;
}
