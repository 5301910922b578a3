import ivr from "./messages/ivr.json" with { type: "json" };
import type { Language } from "./messages.ts";
import type { Rappen } from "./money.ts";
import {
  SPOKEN_DURATION_MAX_SECONDS,
  SPOKEN_MONEY_MAX_RAPPEN,
  SPOKEN_NUMBER_MAX,
  spokenNumberTexts,
} from "./spoken-numbers.ts";

export type PromptKey = keyof typeof ivr;

/** What a prompt may have to say besides its own words; each prompt asks for those that its text names in braces. */
export interface PromptValues {
  readonly price?: Rappen;
  readonly base?: Rappen;
  readonly total?: Rappen;
  readonly billed?: Rappen;
  readonly remaining?: Rappen;
  /** A wait in seconds, spoken rounded up. */
  readonly duration?: number;
  /** A count of seconds whose noun is part of the prompt. */
  readonly seconds?: number;
  readonly n?: number;
  readonly m?: number;
  /** The name of the fragment that says the merchant's name; where there is none, that sentence is not spoken. */
  readonly merchant?: string | undefined;
}

/** Words of a prompt up to a placeholder or to its end. `text` is empty where a placeholder begins or ends the prompt. */
interface PromptPart {
  readonly name: string;
  readonly text: string;
  readonly placeholder: keyof PromptValues | null;
}

const PLACEHOLDER = /\{([a-z]+)\}/;
const PART_LETTERS = "abcdef";
/** Fragment names become file names and command arguments of the voice server, so they hold nothing else. */
const FRAGMENT_NAME = /^[a-z0-9-]+$/;
/** Waits above one minute are spoken in steps of this length. */
const LONG_WAIT_STEP_SECONDS = 10;

/** The fragments of one prompt, in the order to play them. Throws when a value that the prompt names is missing or cannot be spoken. */
export function speakPrompt(language: Language, key: PromptKey, values: PromptValues = {}): readonly string[] {
  return promptParts(language, key).flatMap(({ name, text, placeholder }) => {
    const own = text === "" ? [] : [name];
    if (placeholder === null) return own;
    // The merchant's name ends a sentence of its own («Achat chez …»), which without the name would stop in mid-air.
    if (placeholder === "merchant" && values.merchant === undefined) return [];
    const value = values[placeholder];
    if (value === undefined) throw new RangeError(`${key} needs a value for {${placeholder}}`);
    return [...own, ...speakValue(language, placeholder, value)];
  });
}

/**
 * The fragments of an amount from 1 rappen to CHF 999.99; RangeError outside.
 *
 * The unit follows the centimes only below ten, because «neuf francs cinq» can be heard as 9.50.
 */
export function speakMoney(language: Language, amountRappen: Rappen): readonly string[] {
  requireWhole("an amount in rappen", amountRappen, { min: 1, max: SPOKEN_MONEY_MAX_RAPPEN });
  const francs = Math.floor(amountRappen / 100);
  const centimes = amountRappen % 100;
  if (francs === 0) return [`say-centimes-${centimes}`];
  if (centimes === 0) return speakFrancs(francs);
  if (centimes < 10) return [...speakFrancs(francs), "say-and", `say-centimes-${centimes}`];
  const joint = language === "it" ? ["say-and"] : [];
  return [...speakFrancs(francs), ...joint, `say-${centimes}`];
}

/** The fragments of a time from 1 second to 60 minutes, as it is given; RangeError outside. The order is the same in all languages. */
export function speakDuration(_language: Language, seconds: number): readonly string[] {
  requireWhole("a time in seconds", seconds, { min: 1, max: SPOKEN_DURATION_MAX_SECONDS });
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60;
  if (minutes === 0) return [`say-seconds-${rest}`];
  if (rest === 0) return [`say-minutes-${minutes}`];
  return [`say-minutes-${minutes}`, "say-and", `say-seconds-${rest}`];
}

/** Everything that must be recorded in `language`, by fragment name, with its exact words: the one source of recordings and checks. */
export function fragmentTexts(language: Language): ReadonlyMap<string, string> {
  const texts = new Map(spokenNumberTexts(language));
  for (const key of Object.keys(ivr) as PromptKey[]) {
    for (const { name, text } of promptParts(language, key)) {
      if (text !== "") texts.set(name, text);
    }
  }
  return texts;
}

/** «Achat chez {merchant}. Total à payer: {total}.» → a «Achat chez» merchant, b «Total à payer:» total, c nothing. */
function promptParts(language: Language, key: PromptKey): readonly PromptPart[] {
  const name = key.replaceAll(".", "-").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const pieces = ivr[key][language].split(PLACEHOLDER);
  const parts: PromptPart[] = [];
  for (let index = 0; index < pieces.length; index += 2) {
    parts.push({
      name: pieces.length === 1 ? name : `${name}-${PART_LETTERS[index / 2]}`,
      // What is left of the sentence before a placeholder (its stop or comma) is not for the next recording to say.
      text: (pieces[index] ?? "").replace(/^[\s.,:;]+/, "").trimEnd(),
      placeholder: (pieces[index + 1] as keyof PromptValues | undefined) ?? null,
    });
  }
  return parts;
}

function speakValue(language: Language, placeholder: keyof PromptValues, value: number | string): readonly string[] {
  if (placeholder === "merchant") {
    if (!FRAGMENT_NAME.test(String(value))) throw new RangeError(`not a fragment name: ${value}`);
    return [String(value)];
  }
  switch (placeholder) {
    case "duration":
      return speakDuration(language, waitToSpeak(Number(value)));
    case "seconds":
    case "n":
    case "m":
      requireWhole("a number", value, { min: 0, max: SPOKEN_NUMBER_MAX });
      return [`say-${value}`];
    default:
      return speakMoney(language, Number(value));
  }
}

/** Never less than the true wait; to ten seconds above one minute, since nobody counts along and every word is billed time. */
function waitToSpeak(seconds: number): number {
  const step = seconds > 60 ? LONG_WAIT_STEP_SECONDS : 1;
  return Math.ceil(seconds / step) * step;
}

/** Whole hundreds are recorded with their noun; before a rest they stand alone and the noun is in the plural even after one. */
function speakFrancs(francs: number): readonly string[] {
  const hundreds = Math.floor(francs / 100);
  const rest = francs % 100;
  if (hundreds === 0 || rest === 0) return [`say-francs-${francs}`];
  return [`say-hundreds-${hundreds}`, rest === 1 ? "say-francs-1-plural" : `say-francs-${rest}`];
}

function requireWhole(
  what: string,
  value: number | string,
  { min, max }: { readonly min: number; readonly max: number },
): void {
  if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return;
  throw new RangeError(`cannot speak ${what} of ${value}: only whole numbers from ${min} to ${max}`);
}
