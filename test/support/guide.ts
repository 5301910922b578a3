import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
/** Whoever types a command sees a refusal; to a script it is a failure only when told so. */
const REFUSALS_FAIL = 'curl() { command curl --fail-with-body "$@"; }';

/** The merchants' guide, as it stands. */
export async function readGuide(): Promise<string> {
  return readFile(new URL("../../docs/merchant-guide.md", import.meta.url), "utf8");
}

/** All commands of a text, one after the other. */
export function commandsOf(text: string): string {
  return [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, commands]) => commands).join("");
}

/** What commands print. Fails with the first one that is refused. */
export async function runCommands(
  commands: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const script = `${REFUSALS_FAIL}\n${commands}`;
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], { env: { ...process.env, ...environment } });
  return stdout;
}
