import { open } from "node:fs/promises";
import { readRecordLine } from "../core/call-record.ts";

/** Only the end of the file is read: what is looked for ended a short while ago. */
const READ_BYTES_MAX = 4 * 1_024 * 1_024;

/**
 * How long calls lasted from answer to hang-up in ms (null: never answered), by Asterisk's own record; calls that it
 * doesn't know as ended are left out.
 */
export async function readEndedCalls(
  file: string,
  uniqueids: readonly string[],
): Promise<ReadonlyMap<string, number | null>> {
  const wanted = new Set(uniqueids);
  const ended = new Map<string, number | null>();
  for (const line of (await readTail(file)).split("\n")) {
    const record = readRecordLine(line);
    if (record && wanted.has(record.uniqueid))
      ended.set(record.uniqueid, record.answeredAtUs === null ? null : record.talkMs);
  }
  return ended;
}

async function readTail(file: string): Promise<string> {
  const handle = await open(file, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null; // no call has ended yet
    throw error;
  });
  if (!handle) return "";
  await using _ = handle;
  const { size } = await handle.stat();
  const length = Math.min(size, READ_BYTES_MAX);
  const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
  return buffer.toString("utf8");
}
