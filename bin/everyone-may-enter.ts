import { stat } from "node:fs/promises";
import path from "node:path";

/** Whether every user of this machine gets into the directory; a part of its path that isn't there keeps nobody out. */
export async function everyoneMayEnter(directory: string): Promise<boolean> {
  for (let at = path.resolve(directory); ; at = path.dirname(at)) {
    const found = await stat(at).catch(() => null);
    if (found && (found.mode & 0o001) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}
