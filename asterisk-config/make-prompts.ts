// Makes the recordings that callers hear, from the text table in core/speech.ts and the names in prompts/merchants.json.
//
//   node asterisk-config/make-prompts.ts [--all]
//   node asterisk-config/make-prompts.ts --format alaw|ulaw|sln16 --to DIR
//
// Only what is missing or whose words changed is made again (--all: everything, after a change of voice, level or spelling
// below), and what is no longer in the table is deleted. The result is under version control, so that only somebody who
// changes a text needs the voices. A recording by a person can replace any file: put it in place and set its length and words
// in prompts/manifest.json, and it is kept as long as the words stay the same.
//
// The repository holds A-law. --to makes all recordings anew for a site, in DIR/<language>: `ulaw` for trunks that carry it,
// `sln16` (16,000 samples a second) for wide-band ones. Each format comes from the voice itself, not from another format.
// Several formats may share a DIR: Asterisk plays the one that is cheapest for the line. A recording by a person has to be
// converted by hand; whatever is not as long as prompts/manifest.json says is named at the end, because the voice server
// reckons with the lengths written there.
import { existsSync } from "node:fs";
import { mkdir, mkdtempDisposable, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { LANGUAGES, type Language } from "../core/messages.ts";
import { fragmentTexts } from "../core/speech.ts";
import {
  frameLength,
  frameLevels,
  fromDecibels,
  PCM_MAX,
  PEAK_MAX_DECIBELS,
  peakOf,
  SPEECH_ABOVE,
  SPEECH_LEVEL_DECIBELS,
  speechLevel,
} from "./sound-level.ts";
import {
  LINE_SAMPLES_PER_SECOND,
  readPcm,
  requireTools,
  run,
  SOUND_FORMATS,
  type SoundFormatName,
  writeSound,
} from "./sox.ts";

type Manifest = Record<Language, Record<string, { readonly milliseconds: number; readonly text: string }>>;

interface Recording {
  readonly language: Language;
  readonly name: string;
  readonly text: string;
}

const VOICES: Readonly<Record<Language, string>> = { fr: "fr-FR", de: "de-DE", it: "it-IT", en: "en-GB" };
/** A name belongs to its own language whoever hears it, and so far all names are French: the other voices garble them. */
const MERCHANT_VOICE = VOICES.fr;

/** Where a voice misreads the words of the table, the spelling that makes it say them. */
const SPELLINGS: Readonly<Record<Language, readonly (readonly [RegExp, string])[]>> = {
  // The voice stops for 200 ms before «et», and an amount has no pause inside.
  fr: [[/(quarant|cinquant|soixant|septant|nonant|trent)e et (une?)\b/g, "$1é $2"]],
  de: [],
  it: [],
  // Read by English rules otherwise («sen times»).
  en: [[/\bcentime/g, "sonteem"]],
};

const WORKERS = 2;
const SAVE_EVERY_RECORDINGS = 100;
/** Quieter frames at the ends are silence; an f or s on a telephone is hardly louder. */
const SILENCE_BELOW = PCM_MAX * fromDecibels(-66);
/** The longest a voice stays shut within a word; what sounds after that is the voice's own noise. */
const STOP_FRAMES_MAX = 8;
/** Parts of an amount follow one another without a pause; around it and between prompts there is one of about 150 ms. */
const MARGIN_MILLISECONDS = { number: 30, words: 120 };

const shipped = join(import.meta.dirname, "prompts");
const manifestPath = join(shipped, "manifest.json");
const { values: asked } = parseArgs({
  options: { all: { type: "boolean", default: false }, format: { type: "string" }, to: { type: "string" } },
});
const format = formatOf(asked.format ?? "alaw");
if (asked.format !== undefined && asked.to === undefined)
  refuse("--format goes with --to DIR: the repository holds A-law");
const folder = asked.to === undefined ? shipped : resolve(asked.to);

await requireTools([
  ["pico2wave", "install libttspico-utils (Debian: in the non-free section, which has to be added to the apt sources)"],
  ["sox", "install sox"],
]);
const manifest = await readManifest();
const wanted = await wantedRecordings();
for (const language of LANGUAGES) await mkdir(join(folder, language), { recursive: true });
await using workspace = await mkdtempDisposable(join(tmpdir(), "prompts-"));
await (folder === shipped ? makeShipped() : makeForSite());
console.log(`prompts: done, ${wanted.length} in ${folder}`);

async function makeShipped(): Promise<void> {
  await deleteUnwanted(wanted, manifest);
  const todo = wanted.filter((recording) => asked.all || !isMade(recording, manifest));
  console.log(`prompts: ${wanted.length} wanted, ${todo.length} to make`);
  await makeAll(todo, async ({ language, name, text }, milliseconds, count) => {
    manifest[language][name] = { milliseconds, text };
    if (count % SAVE_EVERY_RECORDINGS === 0) await saveManifest(manifest);
  });
  await saveManifest(manifest);
}

async function makeForSite(): Promise<void> {
  console.log(`prompts: ${wanted.length} to make as ${format}`);
  const otherwise: string[] = [];
  await makeAll(wanted, ({ language, name }, milliseconds) => {
    if (manifest[language][name]?.milliseconds !== milliseconds) otherwise.push(`${language}/${name}`);
  });
  if (otherwise.length === 0) return;
  console.error(`prompts: ${otherwise.length} are not as long as ${manifestPath} says: ${otherwise.join(", ")}`);
  process.exitCode = 1;
}

function formatOf(name: string): SoundFormatName {
  if (name in SOUND_FORMATS) return name as SoundFormatName;
  return refuse(`--format is one of ${Object.keys(SOUND_FORMATS).join(", ")}`);
}

function refuse(reason: string): never {
  console.error(reason);
  process.exit(1);
}

async function wantedRecordings(): Promise<readonly Recording[]> {
  const merchants: Record<string, string> = JSON.parse(await readFile(join(shipped, "merchants.json"), "utf8"));
  const names = Object.entries(merchants).map(([number, name]) => [`merchant-${number}`, name] as const);
  return LANGUAGES.flatMap((language) =>
    [...fragmentTexts(language), ...names].map(([name, text]) => ({ language, name, text })),
  );
}

function isMade({ language, name, text }: Recording, made: Manifest): boolean {
  return made[language][name]?.text === text && existsSync(pathOf(language, name));
}

async function deleteUnwanted(recordings: readonly Recording[], made: Manifest): Promise<void> {
  const paths = new Set(recordings.map(({ language, name }) => pathOf(language, name)));
  for (const language of LANGUAGES) {
    for (const file of await readdir(join(folder, language))) {
      const path = join(folder, language, file);
      if (!paths.has(path)) await rm(path);
    }
    for (const name of Object.keys(made[language])) {
      if (!paths.has(pathOf(language, name))) delete made[language][name];
    }
  }
}

type Made = (recording: Recording, milliseconds: number, count: number) => Promise<void> | void;

async function makeAll(recordings: readonly Recording[], onMade: Made): Promise<void> {
  const queue = recordings.entries();
  const work = async (worker: number): Promise<void> => {
    for (const [index, recording] of queue) {
      await onMade(recording, await make(recording, join(workspace.path, `${worker}.wav`)), index + 1);
      if ((index + 1) % SAVE_EVERY_RECORDINGS === 0) console.log(`prompts: ${index + 1} of ${recordings.length}`);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
}

/** Answers how long it plays, in ms. */
async function make({ language, name, text }: Recording, wavPath: string): Promise<number> {
  const voice = name.startsWith("merchant-") ? MERCHANT_VOICE : VOICES[language];
  const spelled = SPELLINGS[language].reduce((words, [misread, spelling]) => words.replace(misread, spelling), text);
  await run("pico2wave", ["-l", voice, "-w", wavPath, "--", spelled]);
  const margin = name.startsWith("ivr-") ? MARGIN_MILLISECONDS.words : MARGIN_MILLISECONDS.number;
  const { samplesPerSecond } = SOUND_FORMATS[format];
  const spoken = levelled(trimmed(await readPcm(wavPath, samplesPerSecond), await spokenFrames(wavPath)));
  if (spoken.length === 0) throw new Error(`the voice ${voice} says nothing for «${text}»`);
  const sound = padded(spoken, (margin * samplesPerSecond) / 1000);
  await writeSound(pathOf(language, name), sound, SOUND_FORMATS[format]);
  return Math.round((sound.length * 1000) / samplesPerSecond);
}

/**
 * Where the speech begins and ends, without the silence at both ends, but with the closing t of «huit», which comes after a
 * moment of none. Told by what a line lets through, whatever the format, so that a recording is as long in each.
 */
async function spokenFrames(wavPath: string): Promise<readonly [from: number, to: number]> {
  const levels = frameLevels(await readPcm(wavPath, LINE_SAMPLES_PER_SECOND), LINE_SAMPLES_PER_SECOND);
  const first = levels.findIndex((level) => level > SPEECH_ABOVE);
  if (first === -1) return [0, 0];
  const last = levels.findLastIndex((level) => level > SPEECH_ABOVE);
  return [edge(levels, first, -1), edge(levels, last, 1) + 1];
}

function trimmed(samples: Int16Array, [from, to]: readonly [from: number, to: number]): Int16Array {
  const length = frameLength(SOUND_FORMATS[format].samplesPerSecond);
  return samples.slice(from * length, to * length);
}

/** The outermost frame with a sound that still belongs to the speech at `from`. */
function edge(levels: readonly number[], from: number, step: 1 | -1): number {
  let outermost = from;
  for (let at = from + step; Math.abs(at - outermost) <= STOP_FRAMES_MAX; at += step) {
    if ((levels[at] ?? 0) > SILENCE_BELOW) outermost = at;
  }
  return outermost;
}

/** Brings speech to one level; peaks stay below the limit. */
function levelled(samples: Int16Array): Int16Array {
  const level = speechLevel(samples, SOUND_FORMATS[format].samplesPerSecond);
  const wanted = level > 0 ? (PCM_MAX * fromDecibels(SPEECH_LEVEL_DECIBELS)) / level : 1;
  const gain = Math.min(wanted, (PCM_MAX * fromDecibels(PEAK_MAX_DECIBELS)) / Math.max(1, peakOf(samples)));
  return samples.map((sample) => Math.round(sample * gain));
}

function padded(samples: Int16Array, marginSamples: number): Int16Array {
  const result = new Int16Array(samples.length + 2 * marginSamples);
  result.set(samples, marginSamples);
  return result;
}

function pathOf(language: Language, name: string): string {
  return join(folder, language, `${name}.${format}`);
}

async function readManifest(): Promise<Manifest> {
  if (!existsSync(manifestPath)) return { fr: {}, de: {}, it: {}, en: {} };
  return JSON.parse(await readFile(manifestPath, "utf8"));
}

/** One line per recording and sorted, so that a change of one text is a change of one line. */
async function saveManifest(made: Manifest): Promise<void> {
  const parts = LANGUAGES.map((language) => {
    const names = Object.keys(made[language]).sort();
    const lines = names.map((name) => `    ${JSON.stringify(name)}: ${JSON.stringify(made[language][name])}`);
    return `  ${JSON.stringify(language)}: {\n${lines.join(",\n")}\n  }`;
  });
  await writeFile(manifestPath, `{\n${parts.join(",\n")}\n}\n`);
}
