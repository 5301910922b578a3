import { IntlMessageFormat } from "intl-messageformat";
import error from "./messages/error.json" with { type: "json" };
import goods from "./messages/goods.json" with { type: "json" };
import pay from "./messages/pay.json" with { type: "json" };
import test from "./messages/test.json" with { type: "json" };

export const LANGUAGES = ["fr", "de", "it", "en"] as const;
export type Language = (typeof LANGUAGES)[number];
export type MessageKey = keyof typeof pay | keyof typeof goods | keyof typeof error | keyof typeof test;

/** Swiss usage for dates and plurals; English as read in Switzerland. */
export const LOCALES: Readonly<Record<Language, string>> = { fr: "fr-CH", de: "de-CH", it: "it-CH", en: "en-CH" };

const texts: Readonly<Record<string, Readonly<Record<Language, string>>>> = { ...pay, ...goods, ...error, ...test };
const compiled = new Map<string, IntlMessageFormat>();

export function isLanguage(value: unknown): value is Language {
  return LANGUAGES.includes(value as Language);
}

/** The text of `key` with its placeholders filled; throws when a key or a value is missing, so that no page shows a hole. */
export function message(
  language: Language,
  key: MessageKey,
  values: Readonly<Record<string, string | number>> = {},
): string {
  const name = `${language}/${key}`;
  let format = compiled.get(name);
  if (!format) {
    const text = texts[key]?.[language];
    if (text === undefined) throw new Error(`no text for ${name}`);
    format = new IntlMessageFormat(text, LOCALES[language], undefined, { ignoreTag: true });
    compiled.set(name, format);
  }
  return String(format.format(values));
}

/** «43 %», or «43%» where the language has no space there. */
export function formatPercent(language: Language, percent: number): string {
  return new Intl.NumberFormat(LOCALES[language], { style: "percent" }).format(percent / 100);
}

/** The first language of an Accept-Language header that we speak, or null. */
export function preferredLanguage(header: string | undefined): Language | null {
  const wanted = (header ?? "").slice(0, 200).split(",");
  const ranked = wanted
    .map((part) => {
      const [tag = "", q] = part.trim().split(";q=");
      return { language: tag.slice(0, 2).toLowerCase(), weight: q === undefined ? 1 : Number(q) || 0 };
    })
    .filter(({ language, weight }) => weight > 0 && isLanguage(language))
    .sort((a, b) => b.weight - a.weight);
  const first = ranked[0]?.language;
  return isLanguage(first) ? first : null;
}
