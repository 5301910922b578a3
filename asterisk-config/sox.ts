import { execFile } from "node:child_process";

/** What a telephone line carries, as one byte each. */
export const LINE_SAMPLES_PER_SECOND = 8_000;
const WIDE_SAMPLES_PER_SECOND = 16_000;

/** A form of raw sound that Asterisk plays as it is; the key is the ending by which it knows it. */
export interface SoundFormat {
  readonly samplesPerSecond: number;
  /** Sox's name of the coding. */
  readonly coding: readonly string[];
}

const SIGNED = ["-t", "raw", "-e", "signed-integer", "-b", "16", "-L"];
export const SOUND_FORMATS = {
  /** Telephone lines in Europe. */
  alaw: { samplesPerSecond: LINE_SAMPLES_PER_SECOND, coding: ["-t", "al"] },
  /** Trunks that carry µ-law, as in America and Japan. */
  ulaw: { samplesPerSecond: LINE_SAMPLES_PER_SECOND, coding: ["-t", "ul"] },
  /** Wide-band lines: G.722, Opus from a browser. */
  sln16: { samplesPerSecond: WIDE_SAMPLES_PER_SECOND, coding: SIGNED },
} as const satisfies Readonly<Record<string, SoundFormat>>;
export type SoundFormatName = keyof typeof SOUND_FORMATS;

const OUTPUT_MAX_BYTES = 16 * 1024 * 1024;
const TOOL_DEADLINE_MILLISECONDS = 60_000;

/**
 * The sound of a WAV file, as PCM. What a telephone loses first are f and s, whose sound is mostly above its band: for a line, the
 * part that remains is raised a little.
 */
export async function readPcm(wavPath: string, samplesPerSecond: number): Promise<Int16Array> {
  const raised = samplesPerSecond === LINE_SAMPLES_PER_SECOND ? ["treble", "6", "2500"] : [];
  const bytes = await run("sox", ["-D", "-G", wavPath, ...pcm(samplesPerSecond), "-", ...raised]);
  return new Int16Array(Uint8Array.from(bytes).buffer);
}

/** Writes PCM raw, without a header, in a form Asterisk plays without converting. */
export async function writeSound(
  path: string,
  samples: Int16Array,
  { samplesPerSecond, coding }: SoundFormat,
): Promise<void> {
  const form = [...coding, "-c", "1", "-r", String(samplesPerSecond)];
  await run("sox", ["-D", ...pcm(samplesPerSecond), "-", ...form, path], new Uint8Array(samples.buffer));
}

function pcm(samplesPerSecond: number): readonly string[] {
  return [...SIGNED, "-c", "1", "-r", String(samplesPerSecond)];
}

/** Runs a tool to its end and gives its output; a tool that is missing is named together with the package to install. */
export function run(command: string, args: readonly string[], input?: Uint8Array): Promise<Buffer> {
  const options = { encoding: "buffer", maxBuffer: OUTPUT_MAX_BYTES, timeout: TOOL_DEADLINE_MILLISECONDS } as const;
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command} failed: ${stderr.toString().trim() || error.message}`, { cause: error }));
      else resolve(stdout);
    });
    // A tool that ends early closes its input; the reason is in its exit, reported above.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

/** Ends the process with a message unless every tool is there: [command, how to install it]. */
export async function requireTools(tools: readonly (readonly [string, string])[]): Promise<void> {
  const missing = [];
  for (const [command, install] of tools) {
    const found = await run("sh", ["-c", `command -v ${command}`]).catch(() => null);
    if (found === null) missing.push(`${command} is missing: ${install}`);
  }
  if (missing.length === 0) return;
  console.error(missing.join("\n"));
  process.exit(1);
}
