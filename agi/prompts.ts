import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { LANGUAGES, type Language } from "../core/messages.ts";
import { fragmentTexts } from "../core/speech.ts";

/** Asterisk needs a moment to start and end each file; counted when something has to fit before a pulse. */
const FRAGMENT_OVERHEAD_MS = 60;

/** The recordings: where they lie for Asterisk, and how long each one plays. */
export interface Prompts {
  /** What Asterisk is told to play; it finds the language's own file below this path by the channel's language. */
  file(fragment: string): string;
  /** The same in one language, whatever the channel's is. */
  fileIn(language: Language, fragment: string): string;
  has(language: Language, fragment: string): boolean;
  /** How long the fragments play one after the other, in ms. */
  lengthMs(language: Language, fragments: readonly string[]): number;
}

type Manifest = Readonly<
  Record<Language, Readonly<Record<string, { readonly milliseconds: number; readonly text: string }>>>
>;

/** Our recordings as the repository ships them; where Asterisk has its copy is the site's affair. */
export const PROMPTS_SHIPPED = path.resolve(import.meta.dirname, "../asterisk-config/prompts");

/** As many are named when some are missing; with a wrong directory it would be two thousand. */
const NAMED_MAX = 5;

/**
 * Reads the manifest of the recordings and refuses to start when one is missing in any language: a prompt that isn't
 * there would be silence on a line that costs money. Where the directory that Asterisk plays from can be seen (it may be
 * on another machine), its files are looked at, too.
 */
export async function loadPrompts(playedFrom: string, manifestDirectory = PROMPTS_SHIPPED): Promise<Prompts> {
  const manifest = JSON.parse(await readFile(path.join(manifestDirectory, "manifest.json"), "utf8")) as Manifest;
  const unmade = LANGUAGES.flatMap((language) =>
    [...fragmentTexts(language).keys()]
      .filter((name) => !manifest[language]?.[name])
      .map((name) => `${language}/${name}`),
  );
  refuseWithout(unmade, manifestDirectory);
  if (await isDirectory(playedFrom)) refuseWithout(await silentIn(playedFrom, manifest), playedFrom);
  return {
    file: (fragment) => `${playedFrom}/${fragment}`,
    fileIn: (language, fragment) => `${playedFrom}/${language}/${fragment}`,
    has: (language, fragment) => manifest[language][fragment] !== undefined,
    lengthMs: (language, fragments) =>
      fragments.reduce((sum, name) => sum + (manifest[language][name]?.milliseconds ?? 0) + FRAGMENT_OVERHEAD_MS, 0),
  };
}

/** Recordings of the manifest that Asterisk would play as silence: without a file, or with an empty one in any format. */
async function silentIn(directory: string, manifest: Manifest): Promise<readonly string[]> {
  const silent: string[] = [];
  for (const language of LANGUAGES) {
    const folder = path.join(directory, language);
    const sound = new Map<string, boolean>();
    for (const file of (await isDirectory(folder)) ? await readdir(folder) : []) {
      const { name } = path.parse(file);
      const { size } = await stat(path.join(folder, file));
      sound.set(name, size > 0 && (sound.get(name) ?? true));
    }
    const names = Object.keys(manifest[language]);
    silent.push(...names.filter((name) => !sound.get(name)).map((name) => `${language}/${name}`));
  }
  return silent;
}

function refuseWithout(recordings: readonly string[], directory: string): void {
  if (recordings.length === 0) return;
  const first = recordings.slice(0, NAMED_MAX).join(", ");
  throw new Error(`${recordings.length} recordings are missing or empty in ${directory}, the first: ${first}`);
}

async function isDirectory(directory: string): Promise<boolean> {
  return (await stat(directory).catch(() => null))?.isDirectory() ?? false;
}
