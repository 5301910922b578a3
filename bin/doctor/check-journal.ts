import { access, constants, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { type Finding, unknown, well, wrong } from "./finding.ts";

/** A journal that was touched within this has a voice server that looks after it. */
const ORPHANED_MS = 60_000;

/** Whether voice servers can write down what the database can't take, and whether something is left that nobody tells it. */
export async function checkJournal(directory: string, now: () => number): Promise<Finding> {
  const check = "journal.directory";
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => error);
  if (names instanceof Error) {
    if (names.code === "ENOENT")
      return unknown(check, `because no voice server has run here: there is no ${directory}`);
    return wrong(check, `${directory} can't be read: ${names.message}`, mendOf(directory));
  }
  const writable = await access(directory, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!writable) return wrong(check, `${directory} can't be written to`, mendOf(directory));
  const journals = names.filter((name) => name.endsWith(".journal"));
  const touched = await Promise.all(journals.map(async (name) => (await stat(path.join(directory, name))).mtimeMs));
  const orphans = touched.filter((at) => now() - at > ORPHANED_MS);
  if (orphans.length > 0)
    return wrong(
      check,
      `${orphans.length} of the journals in ${directory} have no voice server: the database lacks what stands in them`,
      "Start «phone2pay serve --role agi» on this machine with this directory: it takes them over within half a minute.",
    );
  return well(check, journals.length === 0 ? `${directory} is empty` : `${directory}: voice servers are at it`);
}

function mendOf(directory: string): string {
  return `Give ${directory} to the user that the voice servers run as, or set PHONE2PAY_JOURNAL_DIRECTORY.`;
}
