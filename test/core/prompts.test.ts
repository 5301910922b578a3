import { readdirSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { LANGUAGES, type Language } from "../../core/messages.ts";
import { fragmentTexts } from "../../core/speech.ts";

type Recordings = Readonly<Record<string, { readonly milliseconds: number; readonly text: string }>>;

const folder = new URL("../../asterisk-config/prompts/", import.meta.url);
const read = (file: string) => JSON.parse(readFileSync(new URL(file, folder), "utf8"));
const manifest: Readonly<Record<Language, Recordings>> = read("manifest.json");
const merchants: Readonly<Record<string, string>> = read("merchants.json");

const BYTES_PER_MILLISECOND = 8;
const RECORDING_MIN_MILLISECONDS = 150;
const RECORDING_MAX_MILLISECONDS = 20_000;
/** What is said after the last pulse must end before the next one. */
const PAID_SHORT_MAX_MILLISECONDS = 3_000;

test.each(LANGUAGES)(
  "every fragment and every merchant's name is recorded with the words of the table, and nothing else: %s",
  (language) => {
    const names = Object.entries(merchants).map(([number, name]) => [`merchant-${number}`, name] as const);
    const recorded = Object.entries(manifest[language]).map(([name, { text }]) => [name, text] as const);
    expect(new Map(recorded)).toEqual(new Map([...fragmentTexts(language), ...names]));
  },
);

test.each(LANGUAGES)(
  "every recording is as long as the manifest says, and neither empty nor endless: %s",
  (language) => {
    const files = readdirSync(new URL(`${language}/`, folder));
    expect(files.sort()).toEqual(
      Object.keys(manifest[language])
        .map((name) => `${name}.alaw`)
        .sort(),
    );
    const wrong = Object.entries(manifest[language]).filter(([name, { milliseconds }]) => {
      const { size } = statSync(new URL(`${language}/${name}.alaw`, folder));
      const lengthIsTrue = Math.abs(size - milliseconds * BYTES_PER_MILLISECOND) <= BYTES_PER_MILLISECOND;
      return !lengthIsTrue || milliseconds < RECORDING_MIN_MILLISECONDS || milliseconds > RECORDING_MAX_MILLISECONDS;
    });
    expect(wrong).toEqual([]);
  },
);

test.each(LANGUAGES)("the thanks after payment fits before the next pulse: %s", (language) => {
  expect(manifest[language]["ivr-paid-short"]?.milliseconds).toBeLessThan(PAID_SHORT_MAX_MILLISECONDS);
});
