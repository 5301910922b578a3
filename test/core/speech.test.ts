import { expect, test } from "@jest/globals";
import ivr from "../../core/messages/ivr.json" with { type: "json" };
import { LANGUAGES, type Language } from "../../core/messages.ts";
import {
  fragmentTexts,
  type PromptKey,
  type PromptValues,
  speakDuration,
  speakMoney,
  speakPrompt,
} from "../../core/speech.ts";

type Row = readonly [number, string, string, string, string];

/** Rappen, fr, de, it, en. */
const AMOUNTS: readonly Row[] = [
  [1, "un centime", "ein Rappen", "un centesimo", "one centime"],
  [5, "cinq centimes", "fünf Rappen", "cinque centesimi", "five centimes"],
  [90, "nonante centimes", "neunzig Rappen", "novanta centesimi", "ninety centimes"],
  [100, "un franc", "ein Franken", "un franco", "one franc"],
  [
    101,
    "un franc et un centime",
    "ein Franken und ein Rappen",
    "un franco e un centesimo",
    "one franc and one centime",
  ],
  [120, "un franc vingt", "ein Franken zwanzig", "un franco e venti", "one franc twenty"],
  [213, "deux francs treize", "zwei Franken dreizehn", "due franchi e tredici", "two francs thirteen"],
  [
    423,
    "quatre francs vingt-trois",
    "vier Franken dreiundzwanzig",
    "quattro franchi e ventitré",
    "four francs twenty-three",
  ],
  [
    639,
    "six francs trente-neuf",
    "sechs Franken neununddreissig",
    "sei franchi e trentanove",
    "six francs thirty-nine",
  ],
  [
    671,
    "six francs septante et un",
    "sechs Franken einundsiebzig",
    "sei franchi e settantuno",
    "six francs seventy-one",
  ],
  [
    905,
    "neuf francs et cinq centimes",
    "neun Franken und fünf Rappen",
    "nove franchi e cinque centesimi",
    "nine francs and five centimes",
  ],
  [990, "neuf francs nonante", "neun Franken neunzig", "nove franchi e novanta", "nine francs ninety"],
  [1010, "dix francs dix", "zehn Franken zehn", "dieci franchi e dieci", "ten francs ten"],
  [2100, "vingt et un francs", "einundzwanzig Franken", "ventuno franchi", "twenty-one francs"],
  [
    2106,
    "vingt et un francs et six centimes",
    "einundzwanzig Franken und sechs Rappen",
    "ventuno franchi e sei centesimi",
    "twenty-one francs and six centimes",
  ],
  [
    7115,
    "septante et un francs quinze",
    "einundsiebzig Franken fünfzehn",
    "settantuno franchi e quindici",
    "seventy-one francs fifteen",
  ],
  [
    8080,
    "quatre-vingts francs quatre-vingts",
    "achtzig Franken achtzig",
    "ottanta franchi e ottanta",
    "eighty francs eighty",
  ],
  [
    8180,
    "quatre-vingt-un francs quatre-vingts",
    "einundachtzig Franken achtzig",
    "ottantuno franchi e ottanta",
    "eighty-one francs eighty",
  ],
  [
    9190,
    "nonante et un francs nonante",
    "einundneunzig Franken neunzig",
    "novantuno franchi e novanta",
    "ninety-one francs ninety",
  ],
  [10000, "cent francs", "hundert Franken", "cento franchi", "one hundred francs"],
  [
    10150,
    "cent un francs cinquante",
    "hundertein Franken fünfzig",
    "centouno franchi e cinquanta",
    "one hundred and one francs fifty",
  ],
  [20100, "deux cent un francs", "zweihundertein Franken", "duecentouno franchi", "two hundred and one francs"],
  [
    23575,
    "deux cent trente-cinq francs septante-cinq",
    "zweihundertfünfunddreissig Franken fünfundsiebzig",
    "duecentotrentacinque franchi e settantacinque",
    "two hundred and thirty-five francs seventy-five",
  ],
  [40000, "quatre cents francs", "vierhundert Franken", "quattrocento franchi", "four hundred francs"],
];

/** Seconds, fr, de, it, en. */
const TIMES: readonly Row[] = [
  [1, "une seconde", "eine Sekunde", "un secondo", "one second"],
  [5, "cinq secondes", "fünf Sekunden", "cinque secondi", "five seconds"],
  [21, "vingt et une secondes", "einundzwanzig Sekunden", "ventuno secondi", "twenty-one seconds"],
  [30, "trente secondes", "dreissig Sekunden", "trenta secondi", "thirty seconds"],
  [60, "une minute", "eine Minute", "un minuto", "one minute"],
  [
    61,
    "une minute et une seconde",
    "eine Minute und eine Sekunde",
    "un minuto e un secondo",
    "one minute and one second",
  ],
  [
    81,
    "une minute et vingt et une secondes",
    "eine Minute und einundzwanzig Sekunden",
    "un minuto e ventuno secondi",
    "one minute and twenty-one seconds",
  ],
  [
    250,
    "quatre minutes et dix secondes",
    "vier Minuten und zehn Sekunden",
    "quattro minuti e dieci secondi",
    "four minutes and ten seconds",
  ],
  [
    495,
    "huit minutes et quinze secondes",
    "acht Minuten und fünfzehn Sekunden",
    "otto minuti e quindici secondi",
    "eight minutes and fifteen seconds",
  ],
  [1260, "vingt et une minutes", "einundzwanzig Minuten", "ventuno minuti", "twenty-one minutes"],
  [
    1310,
    "vingt et une minutes et cinquante secondes",
    "einundzwanzig Minuten und fünfzig Sekunden",
    "ventuno minuti e cinquanta secondi",
    "twenty-one minutes and fifty seconds",
  ],
  [3600, "soixante minutes", "sechzig Minuten", "sessanta minuti", "sixty minutes"],
];

const texts = Object.fromEntries(LANGUAGES.map((language) => [language, fragmentTexts(language)])) as Readonly<
  Record<Language, ReadonlyMap<string, string>>
>;
const EVERY_VALUE: PromptValues = {
  price: 120,
  base: 50,
  total: 990,
  billed: 480,
  remaining: 510,
  duration: 250,
  seconds: 5,
  n: 1,
  m: 2,
  merchant: "merchant-100001",
};

/** The words that a caller hears. German and Italian write hundreds and what follows as one word, which is heard the same. */
function heard(language: Language, fragments: readonly string[]): string {
  const words = fragments.map((name) => {
    const text = texts[language].get(name);
    if (text === undefined) throw new Error(`not recorded: ${language}/${name}`);
    const joined = name.startsWith("say-hundreds-") && (language === "de" || language === "it");
    return joined ? text : `${text} `;
  });
  return words.join("").trimEnd();
}

function unrecorded(language: Language, fragments: readonly string[]): readonly string[] {
  return fragments.filter((name) => !texts[language].has(name));
}

test.each(AMOUNTS)("%i rappen are spoken as people say them in all four languages", (amountRappen, ...expected) => {
  expect(LANGUAGES.map((language) => heard(language, speakMoney(language, amountRappen)))).toEqual(expected);
});

test.each(TIMES)("%i seconds are spoken as people say them in all four languages", (seconds, ...expected) => {
  expect(LANGUAGES.map((language) => heard(language, speakDuration(language, seconds)))).toEqual(expected);
});

test.each(LANGUAGES)("every amount and every time that can be spoken is made of recordings: %s", (language) => {
  const missing = new Set<string>();
  const used = new Set<string>();
  const note = (fragments: readonly string[]) => {
    for (const name of fragments) used.add(name);
    for (const name of unrecorded(language, fragments)) missing.add(name);
  };
  for (let amountRappen = 1; amountRappen <= 99_999; amountRappen++) note(speakMoney(language, amountRappen));
  for (let seconds = 1; seconds <= 3_600; seconds++) note(speakDuration(language, seconds));
  expect([...missing]).toEqual([]);
  // Bare numbers below ten are for counts only; every other recording of a number serves an amount or a time.
  const idle = [...texts[language].keys()].filter((name) => name.startsWith("say-") && !used.has(name));
  expect(idle).toEqual(Array.from({ length: 10 }, (_, n) => `say-${n}`));
});

test.each([0, -1, 1.5, 100_000, Number.NaN])("an amount of %p is refused instead of spoken wrongly", (amountRappen) => {
  expect(() => speakMoney("fr", amountRappen)).toThrow(RangeError);
});

test.each([0, -1, 1.5, 3_601, Number.NaN])("a time of %p is refused instead of spoken wrongly", (seconds) => {
  expect(() => speakDuration("fr", seconds)).toThrow(RangeError);
});

test.each(LANGUAGES)("every prompt is made of recordings, and together they say its whole text: %s", (language) => {
  const plain = (text: string) => text.replace(/\{[a-z]+\}|[\s.,:;]/g, "");
  for (const key of Object.keys(ivr) as PromptKey[]) {
    const fragments = speakPrompt(language, key, EVERY_VALUE);
    expect(unrecorded(language, fragments).filter((name) => name !== "merchant-100001")).toEqual([]);
    const own = fragments.filter((name) => name.startsWith("ivr-"));
    expect(plain(heard(language, own))).toBe(plain(ivr[key][language]));
  }
});

test.each(LANGUAGES)("fragment names are safe as file names and as arguments of the voice server: %s", (language) => {
  expect([...texts[language].keys()].filter((name) => !/^[a-z0-9-]+$/.test(name))).toEqual([]);
});

test("a prompt with placeholders is played as its parts and the values between them", () => {
  expect(speakPrompt("fr", "ivr.order.summary", { total: 990, merchant: "merchant-100001" })).toEqual([
    "ivr-order-summary-a",
    "merchant-100001",
    "ivr-order-summary-b",
    "say-francs-9",
    "say-90",
  ]);
  expect(speakPrompt("en", "ivr.hold.remaining", { duration: 60 })).toEqual(["say-minutes-1", "ivr-hold-remaining-b"]);
  expect(speakPrompt("de", "ivr.goodbye")).toEqual(["ivr-goodbye"]);
});

test.each(LANGUAGES)("a merchant without a recorded name is left out with the whole sentence: %s", (language) => {
  for (const key of ["ivr.order.summary", "ivr.order.summaryDonation"] as const) {
    // speakPrompt drops the words before the name, so the name has to end the first sentence.
    expect(ivr[key][language]).toMatch(/^[^.]+ \{merchant\}\. /);
    const name = key === "ivr.order.summary" ? "ivr-order-summary" : "ivr-order-summary-donation";
    expect(speakPrompt(language, key, { total: 2_000 })).toEqual([`${name}-b`, "say-francs-20"]);
  }
});

test.each([
  [0.2, "one second"],
  [59.1, "one minute"],
  [60, "one minute"],
  [61, "one minute and ten seconds"],
  [250, "four minutes and ten seconds"],
  [251, "four minutes and twenty seconds"],
  [3_595, "sixty minutes"],
])("a wait of %d seconds is never said to be shorter than it is: %s", (duration, expected) => {
  expect(heard("en", speakPrompt("en", "ivr.hold.remaining", { duration }).slice(0, -1))).toBe(expected);
});

test("a prompt without one of its values is refused", () => {
  expect(() => speakPrompt("it", "ivr.paid.onBill")).toThrow("needs a value for {total}");
});

test.each(["../secret", "Merchant", "a b", ""])("a merchant's recording cannot be named %p", (merchant) => {
  expect(() => speakPrompt("it", "ivr.order.summary", { total: 990, merchant })).toThrow(RangeError);
});
