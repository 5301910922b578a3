import error from "../../core/messages/error.json" with { type: "json" };
import goods from "../../core/messages/goods.json" with { type: "json" };
import pay from "../../core/messages/pay.json" with { type: "json" };
import test from "../../core/messages/test.json" with { type: "json" };
import { LANGUAGES, type Language } from "../../core/messages.ts";

/** Shorter pieces are too likely to be found in another language's words. */
const TELLING_LETTERS = 8;
const TEXTS: readonly Readonly<Record<Language, string>>[] = [error, goods, pay, test].flatMap(Object.values);

/** Per language what its texts are made of, without what is filled in. */
const PIECES: Readonly<Record<Language, readonly string[]>> = byLanguage((language) =>
  TEXTS.flatMap((text) => text[language].split(/[{}#]/))
    .map((piece) => piece.trim())
    .filter((piece) => piece.length >= TELLING_LETTERS && !/^\w+, plural/.test(piece)),
);
/** Per language the pieces of all others that it doesn't use itself. */
const FOREIGN: Readonly<Record<Language, readonly string[]>> = byLanguage((language) => {
  const own = TEXTS.map((text) => text[language]).join("\n");
  return LANGUAGES.filter((other) => other !== language)
    .flatMap((other) => PIECES[other])
    .filter((piece) => !own.includes(piece));
});

/** Texts of other languages that a page of this one shows, says or hides. */
export function foreignTexts(page: string, language: Language): readonly string[] {
  const text = page.replaceAll(/\s+/g, " ");
  return FOREIGN[language].filter((piece) => text.includes(piece));
}

function byLanguage<Value>(make: (language: Language) => Value): Readonly<Record<Language, Value>> {
  return Object.fromEntries(LANGUAGES.map((language) => [language, make(language)])) as Record<Language, Value>;
}
