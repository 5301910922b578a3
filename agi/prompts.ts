import { readFile } from "node:fs/promises";
import path from "node:path";
import { LANGUAGES, type Language } from "../core/messages.ts";
import { fragmentTexts } from "../core/speech.ts";

/** Asterisk needs a moment to start and end each file; counted when something has to fit before a pulse. */
const FRAGMENT_OVERHEAD_MS = 60;

/** The recordings: where they lie for Asterisk, and how long each one plays. */
export interface Prompts {
  /** What Asterisk is told to play; it finds the language's own file below this path by the channel's language. */
  file(fragment: string): string;
  has(language: Language, fragment: string): boolean;
  /** How long the fragments play one after the other, in ms. */
  lengthMs(language: Language, fragments: readonly string[]): number;
}

type Manifest = Readonly<
  Record<Language, Readonly<Record<string, { readonly milliseconds: number; readonly text: string }>>>
>;

/** Our recordings as the repository ships them; where Asterisk has its copy is the site's affair. */
export const PROMPTS_SHIPPED = path.resolve(import.meta.dirname, "../asterisk-config/prompts");

/**
 * Reads the manifest of the recordings and refuses to start when one is missing in any language: a prompt that isn't
 * there would be silence on a line that costs money.
 */
export async function loadPrompts(playedFrom: string, manifestDirectory = PROMPTS_SHIPPED): Promise<Prompts> {
  const manifest = JSON.parse(await readFile(path.join(manifestDirectory, "manifest.json"), "utf8")) as Manifest;
  const missing = LANGUAGES.flatMap((language) =>
    [...fragmentTexts(language).keys()]
      .filter((name) => !manifest[language]?.[name])
      .map((name) => `${language}/${name}`),
  );
  if (missing.length > 0)
    throw new Error(`${missing.length} recordings are missing, the first: ${missing.slice(0, 5).join(", ")}`);
  return {
    file: (fragment) => `${playedFrom}/${fragment}`,
    has: (language, fragment) => manifest[language][fragment] !== undefined,
    lengthMs: (language, fragments) =>
      fragments.reduce((sum, name) => sum + (manifest[language][name]?.milliseconds ?? 0) + FRAGMENT_OVERHEAD_MS, 0),
  };
}
