import words from "./messages/spoken.json" with { type: "json" };
import type { Language } from "./messages.ts";

type Words = Readonly<Record<string, Readonly<Record<Language, string>>>>;
type Noun = "franc" | "centime" | "minute" | "second";

/** Money is spoken below one thousand francs; a call itself may cost CHF 400 at most. */
export const SPOKEN_MONEY_MAX_RAPPEN = 99_999;
/** Waiting times are spoken up to an hour. */
export const SPOKEN_DURATION_MAX_SECONDS = 3_600;
/** The largest number that has a recording of its own without a noun. */
export const SPOKEN_NUMBER_MAX = 99;

const NOUNS: readonly { readonly noun: Noun; readonly plural: string; readonly max: number }[] = [
  { noun: "franc", plural: "francs", max: 99 },
  { noun: "centime", plural: "centimes", max: 99 },
  { noun: "minute", plural: "minutes", max: SPOKEN_DURATION_MAX_SECONDS / 60 },
  { noun: "second", plural: "seconds", max: 59 },
];

/**
 * Every fragment of which amounts, times and counts are put together in `language`, by name, with the words to record.
 *
 * A number and its noun are one recording, since French 6, 8 and 10 sound otherwise before a noun («si francs») than at the
 * end of an amount («un franc sis»).
 */
export function spokenNumberTexts(language: Language): ReadonlyMap<string, string> {
  const texts = new Map<string, string>([["say-and", word(language, "say.and")]]);
  for (let n = 0; n <= SPOKEN_NUMBER_MAX; n++) texts.set(`say-${n}`, word(language, `num.${n}`));
  for (const { noun, plural, max } of NOUNS) {
    for (let n = 1; n <= max; n++) {
      texts.set(`say-${plural}-${n}`, `${numberBefore(language, noun, n)} ${nounAfter(language, noun, n)}`);
    }
  }
  texts.set("say-francs-1-plural", oneFrancAfterHundreds(language));
  for (let n = 1; n <= 9; n++) {
    texts.set(`say-hundreds-${n}`, hundreds(language, n, "before-rest"));
    texts.set(`say-francs-${n}00`, `${hundreds(language, n, "round")} ${word(language, "say.franc.other")}`);
  }
  return texts;
}

/** «ein», «un», «une» and «vingt et une» stand before a noun, never the counting forms «eins» and «uno». */
function numberBefore(language: Language, noun: Noun, n: number): string {
  const gender = noun === "franc" || noun === "centime" ? "m" : "f";
  const key = `num.${gender}.${n}`;
  return key in words ? word(language, key) : word(language, `num.${n}`);
}

function nounAfter(language: Language, noun: Noun, n: number): string {
  return word(language, n === 1 ? `say.${noun}.one` : `say.${noun}.other`);
}

/** The end of «deux cent un francs», «zweihundertein Franken», «duecentouno franchi»: the noun is plural here. */
function oneFrancAfterHundreds(language: Language): string {
  const one = word(language, language === "de" ? "num.m.1" : "num.1");
  return `${one} ${word(language, "say.franc.other")}`;
}

/** Only English names the one in «one hundred» and says «and» before the rest; French alone writes round hundreds with an s. */
function hundreds(language: Language, n: number, place: "before-rest" | "round"): string {
  const count = n === 1 && language !== "en" ? "" : word(language, `num.${n}`);
  const hundred = word(language, n > 1 && place === "round" ? "say.hundredRound" : "say.hundred");
  const compound = language === "de" || language === "it" ? `${count}${hundred}` : `${count} ${hundred}`.trim();
  return language === "en" && place === "before-rest" ? `${compound} ${word(language, "say.and")}` : compound;
}

function word(language: Language, key: string): string {
  const text = (words as Words)[key]?.[language];
  if (text === undefined) throw new Error(`no spoken word for ${language}/${key}`);
  return text;
}
