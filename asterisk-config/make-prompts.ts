// Makes the recordings that callers hear, from the text table in core/speech.ts and the names in prompts/merchants.json.
//
//   node asterisk-config/make-prompts.ts [--all]
//
// Only what is missing or whose words changed is made again (--all: everything, after a change of voice, level or spelling
// below), and what is no longer in the table is deleted. The result is under version control, so that only somebody who
// changes a text needs the voices. A recording by a person can replace any file: put it in place and set its length and words
// in prompts/manifest.json, and it is kept as long as the words stay the same.
import { existsSync } from "node:fs";
import { mkdir, mkdtempDisposable, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LANGUAGES, type Language } from "../core/messages.ts";
import { fragmentTexts } from "../core/speech.ts";
import { fromDecibels, LINE_SAMPLES_PER_SECOND, PCM_MAX, readPcm, requireTools, run, writeAlaw } from "./sox.ts";

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
const FRAME_SAMPLES = LINE_SAMPLES_PER_SECOND / 50;
/** Quieter frames at the ends are silence; an f or s on a telephone is hardly louder. */
const SILENCE_BELOW = PCM_MAX * fromDecibels(-66);
/** The longest a voice stays shut within a word; what sounds after that is the voice's own noise. */
const STOP_FRAMES_MAX = 8;
/** The level of speech is measured where somebody speaks, not in the gaps. */
const SPEECH_ABOVE = PCM_MAX * fromDecibels(-45);
const SPEECH_LEVEL = PCM_MAX * fromDecibels(-19);
const PEAK_MAX = PCM_MAX * fromDecibels(-3);
/** Parts of an amount follow one another without a pause; around it and between prompts there is one of about 150 ms. */
const MARGIN_MILLISECONDS = { number: 30, words: 120 };

const folder = join(import.meta.dirname, "prompts");
const manifestPath = join(folder, "manifest.json");

await requireTools([
  ["pico2wave", "install libttspico-utils (Debian: in the non-free section, which has to be added to the apt sources)"],
  ["sox", "install sox"],
]);
const manifest = await readManifest();
const wanted = await wantedRecordings();
await deleteUnwanted(wanted, manifest);
const remake = process.argv.includes("--all");
const todo = wanted.filter((recording) => remake || !isMade(recording, manifest));
console.log(`prompts: ${wanted.length} wanted, ${todo.length} to make`);
await using workspace = await mkdtempDisposable(join(tmpdir(), "prompts-"));
await makeAll(todo, manifest, workspace.path);
await saveManifest(manifest);
console.log(`prompts: done, ${wanted.length} in ${folder}`);

async function wantedRecordings(): Promise<readonly Recording[]> {
  const merchants: Record<string, string> = JSON.parse(await readFile(join(folder, "merchants.json"), "utf8"));
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
    await mkdir(join(folder, language), { recursive: true });
    for (const file of await readdir(join(folder, language))) {
      const path = join(folder, language, file);
      if (!paths.has(path)) await rm(path);
    }
    for (const name of Object.keys(made[language])) {
      if (!paths.has(pathOf(language, name))) delete made[language][name];
    }
  }
}

async function makeAll(recordings: readonly Recording[], made: Manifest, workspace: string): Promise<void> {
  const queue = recordings.entries();
  const work = async (worker: number): Promise<void> => {
    for (const [index, recording] of queue) {
      const { language, name, text } = recording;
      await make(recording, join(workspace, `${worker}.wav`));
      const { size } = await stat(pathOf(language, name));
      made[language][name] = { milliseconds: Math.round((size * 1000) / LINE_SAMPLES_PER_SECOND), text };
      if ((index + 1) % SAVE_EVERY_RECORDINGS !== 0) continue;
      await saveManifest(made);
      console.log(`prompts: ${index + 1} of ${recordings.length}`);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
}

async function make({ language, name, text }: Recording, wavPath: string): Promise<void> {
  const voice = name.startsWith("merchant-") ? MERCHANT_VOICE : VOICES[language];
  const spelled = SPELLINGS[language].reduce((words, [misread, spelling]) => words.replace(misread, spelling), text);
  await run("pico2wave", ["-l", voice, "-w", wavPath, "--", spelled]);
  const margin = name.startsWith("ivr-") ? MARGIN_MILLISECONDS.words : MARGIN_MILLISECONDS.number;
  const spoken = levelled(trimmed(await readPcm(wavPath)));
  if (spoken.length === 0) throw new Error(`the voice ${voice} says nothing for «${text}»`);
  await writeAlaw(pathOf(language, name), padded(spoken, margin));
}

/** Cuts the silence at both ends, but not the closing t of «huit», which comes after a moment of none. */
function trimmed(samples: Int16Array): Int16Array {
  const levels = frames(samples).map(loudness);
  const first = levels.findIndex((level) => level > SPEECH_ABOVE);
  if (first === -1) return new Int16Array(0);
  const last = levels.findLastIndex((level) => level > SPEECH_ABOVE);
  return samples.slice(edge(levels, first, -1) * FRAME_SAMPLES, (edge(levels, last, 1) + 1) * FRAME_SAMPLES);
}

/** The outermost frame with a sound that still belongs to the speech at `from`. */
function edge(levels: readonly number[], from: number, step: 1 | -1): number {
  let outermost = from;
  for (let at = from + step; Math.abs(at - outermost) <= STOP_FRAMES_MAX; at += step) {
    if ((levels[at] ?? 0) > SILENCE_BELOW) outermost = at;
  }
  return outermost;
}

/** Brings speech to one level, so that the parts of an amount sound like one sentence; peaks stay below the limit. */
function levelled(samples: Int16Array): Int16Array {
  const speech = frames(samples)
    .map(loudness)
    .filter((level) => level > SPEECH_ABOVE);
  const level = Math.sqrt(speech.reduce((sum, value) => sum + value ** 2, 0) / Math.max(1, speech.length));
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1);
  const gain = Math.min(level > 0 ? SPEECH_LEVEL / level : 1, PEAK_MAX / peak);
  return samples.map((sample) => Math.round(sample * gain));
}

function padded(samples: Int16Array, marginMilliseconds: number): Int16Array {
  const margin = (marginMilliseconds * LINE_SAMPLES_PER_SECOND) / 1000;
  const result = new Int16Array(samples.length + 2 * margin);
  result.set(samples, margin);
  return result;
}

function frames(samples: Int16Array): readonly Int16Array[] {
  const count = Math.ceil(samples.length / FRAME_SAMPLES);
  return Array.from({ length: count }, (_, index) =>
    samples.subarray(index * FRAME_SAMPLES, (index + 1) * FRAME_SAMPLES),
  );
}

function loudness(frame: Int16Array): number {
  return Math.sqrt(frame.reduce((sum, sample) => sum + sample ** 2, 0) / frame.length);
}

function pathOf(language: Language, name: string): string {
  return join(folder, language, `${name}.alaw`);
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
