import { access, readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { PROMPTS_SHIPPED } from "../../agi/prompts.ts";
import { type AsteriskFiles, lastValue } from "./asterisk-files.ts";
import { type Finding, unknown, well, wrong } from "./finding.ts";

/** A-law: 8,000 samples a second of one byte. */
const BYTES_PER_MS = 8;
const NAMED_MAX = 3;

type Manifest = Readonly<Record<string, Readonly<Record<string, { readonly milliseconds: number }>>>>;

/**
 * Whether every recording is where Asterisk plays it from, at its full length: the voice server goes by the manifest, and
 * a prompt that isn't there is silence on a line that costs money.
 */
export async function checkPrompts(
  directories: readonly string[],
  files: AsteriskFiles | null,
): Promise<readonly Finding[]> {
  const manifest = JSON.parse(await readFile(path.join(PROMPTS_SHIPPED, "manifest.json"), "utf8")) as Manifest;
  const findings = await Promise.all(
    [...new Set(directories)].map((directory) => checkRecordings(directory, manifest, files !== null)),
  );
  return [...findings, await checkMusic(files)];
}

async function checkRecordings(directory: string, manifest: Manifest, asteriskIsHere: boolean): Promise<Finding> {
  const check = "prompts.recordings";
  const mend = `Copy asterisk-config/prompts to ${directory} again, with all its folders.`;
  const isHere = await access(directory).then(
    () => true,
    () => false,
  );
  if (!isHere && !asteriskIsHere) return unknown(check, `because ${directory} isn't on this machine`);
  if (!isHere) return wrong(check, `there is no ${directory} that we may read`, mend);
  const wanted = Object.entries(manifest).flatMap(([language, recordings]) =>
    Object.entries(recordings).map(([name, { milliseconds }]) => ({ name: `${language}/${name}`, milliseconds })),
  );
  const faults = await Promise.all(wanted.map((recording) => faultOf(directory, recording)));
  const bad = faults.filter((fault) => fault !== null);
  if (bad.length === 0) return well(check, `all ${wanted.length} are in ${directory}, at full length`);
  const named = bad.slice(0, NAMED_MAX).join("; ");
  return wrong(check, `${bad.length} of ${wanted.length} in ${directory} are not as they should be: ${named}`, mend);
}

async function faultOf(
  directory: string,
  { name, milliseconds }: { readonly name: string; readonly milliseconds: number },
): Promise<string | null> {
  const found = await stat(path.join(directory, `${name}.alaw`)).catch(() => null);
  if (!found?.isFile()) return `${name} is missing`;
  const playsMs = found.size / BYTES_PER_MS;
  return playsMs === milliseconds ? null : `${name} plays ${playsMs} ms instead of ${milliseconds}`;
}

async function checkMusic(files: AsteriskFiles | null): Promise<Finding> {
  const check = "prompts.music";
  if (!files) return unknown(check, "because Asterisk's configuration isn't to be seen from here");
  const sections = await files.sections("musiconhold.conf");
  const music = sections.find(({ name }) => name === "phone2pay");
  const directory = music ? lastValue(music.entries, "directory") : null;
  const mend = "Copy asterisk-config/moh to where «directory» in site.d/musiconhold.conf says.";
  if (directory === null) return wrong(check, "musiconhold.conf has no directory for phone2pay", mend);
  const names = (await readdir(directory).catch(() => [])).filter((name) => name.endsWith(".alaw"));
  const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(directory, name))).size));
  if (sizes.some((size) => size > 0)) return well(check, `is in ${directory}`);
  return wrong(check, `no music is in ${directory}`, mend);
}
