import messages from "./messages.json" with { type: "json" };

export const LANGUAGES = ["fr", "de", "it", "en"] as const;
export type Language = (typeof LANGUAGES)[number];
export type TextKey = keyof typeof messages;
export type Translate = (key: TextKey, values?: Readonly<Record<string, string>>) => string;

const LOCALES: Readonly<Record<Language, string>> = { fr: "fr-CH", de: "de-CH", it: "it-CH", en: "en-GB" };

/** The shop's texts in one language; a placeholder that nobody fills is an error, not a hole in a page. */
export function translator(language: Language): Translate {
  return (key, values = {}) =>
    messages[key][language].replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`${key} lacks {${name}}`);
      return value;
    });
}

/** A text with its placeholders left in, for the page's script to fill. */
export function template(language: Language, key: TextKey): string {
  return messages[key][language];
}

/** ?lang= wins, then the browser's first language that the shop speaks, then French. */
export function chooseLanguage(asked: string | undefined, acceptLanguage: string | undefined): Language {
  if (isLanguage(asked)) return asked;
  const ranked = (acceptLanguage ?? "")
    .slice(0, 200)
    .split(",")
    .map((part) => {
      const [tag = "", weight] = part.trim().split(";q=");
      return { language: tag.slice(0, 2).toLowerCase(), weight: weight === undefined ? 1 : Number(weight) || 0 };
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight);
  return ranked.map(({ language }) => language).find(isLanguage) ?? "fr";
}

/** «CHF 9.90», with a no-break space. */
export function formatMoney(amountRappen: number): string {
  return `CHF\u00a0${Math.floor(amountRappen / 100)}.${String(amountRappen % 100).padStart(2, "0")}`;
}

/** «0900 900 904» */
export function formatNumber(number: string): string {
  return `${number.slice(0, 4)} ${number.slice(4, 7)} ${number.slice(7)}`;
}

/** Null where nothing has happened yet. */
export function formatMoment(language: Language, moment: string | Date | null): string | null {
  if (moment === null) return null;
  return new Intl.DateTimeFormat(LOCALES[language], {
    dateStyle: "medium",
    timeStyle: "medium",
    timeZone: "Europe/Zurich",
  }).format(new Date(moment));
}

/** «10:21:03» */
export function formatTime(language: Language, moment: string | Date): string {
  return new Intl.DateTimeFormat(LOCALES[language], { timeStyle: "medium", timeZone: "Europe/Zurich" }).format(
    new Date(moment),
  );
}

function isLanguage(value: unknown): value is Language {
  return LANGUAGES.includes(value as Language);
}
