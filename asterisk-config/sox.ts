import { execFile } from "node:child_process";

/** What a telephone line carries: A-law in Europe, 8,000 samples of one byte a second. */
export const LINE_SAMPLES_PER_SECOND = 8_000;
export const PCM_MAX = 32_767;

const PCM = ["-t", "raw", "-e", "signed-integer", "-b", "16", "-L", "-c", "1", "-r", String(LINE_SAMPLES_PER_SECOND)];
const ALAW = ["-t", "al", "-c", "1", "-r", String(LINE_SAMPLES_PER_SECOND)];
const OUTPUT_MAX_BYTES = 16 * 1024 * 1024;
const TOOL_DEADLINE_MILLISECONDS = 60_000;

/**
 * The sound of a WAV file, as the line's PCM. What a telephone loses first are f and s, whose sound is mostly above its band: the
 * part that remains is raised a little.
 */
export async function readPcm(wavPath: string): Promise<Int16Array> {
  const bytes = await run("sox", ["-D", "-G", wavPath, ...PCM, "-", "treble", "6", "2500"]);
  return new Int16Array(Uint8Array.from(bytes).buffer);
}

/** Writes PCM as raw A-law without a header, the form Asterisk plays without converting. */
export async function writeAlaw(path: string, samples: Int16Array): Promise<void> {
  await run("sox", ["-D", ...PCM, "-", ...ALAW, path], new Uint8Array(samples.buffer));
}

/** Decibels below full scale → a factor of full scale. */
export function fromDecibels(decibels: number): number {
  return 10 ** (decibels / 20);
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
