import { createHash } from "node:crypto";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { type CallRecord, readRecordLine } from "../core/call-record.ts";
import { importRecords, recordFileOffset } from "../db/call-records.ts";
import type { Db } from "../db/database.ts";

/** Read, parsed and written at once: some 5,000 records. */
const CHUNK_BYTES = 1_024 * 1_024;
/** A file's first record stands in its first bytes, or it is no file of records. */
const HEAD_BYTES = 64 * 1_024;
/** The file itself and its newest predecessors that a rotation left beside it. */
const FILES_MAX = 10;
const COMPRESSED = /[.](gz|xz|bz2|zst)$/;

export interface ImportRound {
  readonly records: number;
  /** When the oldest of these calls ended, in ms since 1970; null for none. */
  readonly oldestEndedAtMs: number | null;
}

export interface RecordImport {
  /** Brings what is new in the file, and in those that a rotation left beside it, into the database. */
  importNew(): Promise<ImportRound>;
}

/**
 * Imports Asterisk's file of call records, a little at a time. How far each file has been read stands in the database,
 * written together with the records, under the hash of the file's beginning up to its first record: so a file keeps its place under any
 * name, and a new one under the old name begins at its beginning. In doubt a file is read again from there: twice costs
 * time, a record is written once.
 */
export function openRecordImport(options: {
  readonly db: Db;
  readonly file: string;
  readonly log: (event: string, details: Readonly<Record<string, unknown>>) => void;
}): RecordImport {
  /** Files that have been read to the end, as they were then. */
  const finished = new Map<string, string>();
  return {
    async importNew() {
      let records = 0;
      let oldestEndedAtMs = Number.POSITIVE_INFINITY;
      const found = await recordFiles(options.file);
      const names = new Set(found.map((file) => file.path));
      for (const name of finished.keys()) if (!names.has(name)) finished.delete(name);
      for (const file of found) {
        if (finished.get(file.path) === file.state) continue;
        for await (const chunk of importFile({ ...options, path: file.path })) {
          records += chunk.length;
          for (const record of chunk) oldestEndedAtMs = Math.min(oldestEndedAtMs, record.endedAtUs / 1_000);
        }
        finished.set(file.path, file.state);
      }
      return { records, oldestEndedAtMs: records === 0 ? null : oldestEndedAtMs };
    },
  };
}

/** Oldest first, each with what changes when it is written to. */
async function recordFiles(file: string): Promise<readonly { readonly path: string; readonly state: string }[]> {
  const directory = path.dirname(file);
  const names = await readdir(directory).catch(nothingYet);
  const rotated = path.basename(file);
  const belongs = (name: string) =>
    (name === rotated || name.startsWith(`${rotated}.`) || name.startsWith(`${rotated}-`)) && !COMPRESSED.test(name);
  const files = await Promise.all(
    (names ?? []).filter(belongs).map(async (name) => {
      const whole = path.join(directory, name);
      const facts = await stat(whole).catch(nothingYet); // it may have been rotated away just now
      if (!facts?.isFile()) return null;
      return { path: whole, at: facts.mtimeMs, state: `${facts.ino}:${facts.size}:${facts.mtimeMs}` };
    }),
  );
  return files
    .filter((found) => found !== null)
    .sort((a, b) => a.at - b.at)
    .slice(-FILES_MAX);
}

function nothingYet(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}

/** Yields the records of each chunk once it is written. */
async function* importFile(options: Parameters<typeof openRecordImport>[0] & { readonly path: string }) {
  const { db, log } = options;
  const handle = await open(options.path, "r").catch(nothingYet);
  if (!handle) return;
  await using _ = handle;
  const fingerprint = await fingerprintOf(handle);
  const { size } = await handle.stat();
  if (fingerprint === null && size >= HEAD_BYTES) log("call_records.not_a_file_of_records", { path: options.path });
  if (fingerprint === null) return;
  let fromBytes = await recordFileOffset(db, fingerprint);
  if (fromBytes > size) fromBytes = 0; // its end has been cut off
  for (;;) {
    const bytes = await readAt(handle, fromBytes, CHUNK_BYTES);
    const end = bytes.lastIndexOf("\n") + 1 || (bytes.length === CHUNK_BYTES ? CHUNK_BYTES : 0);
    if (end === 0) return; // nothing, or a line that is still being written
    const { records, garbageLines } = readLines(bytes.subarray(0, end).toString("utf8"));
    const toBytes = fromBytes + end;
    await importRecords(db, { fingerprint, path: options.path, toBytes, records, garbageLines });
    if (garbageLines > 0) log("call_records.garbage", { path: options.path, fromBytes, toBytes, garbageLines });
    yield records;
    fromBytes = toBytes;
  }
}

/** What the file begins with, up to the end of its first record: no two files have it in common. Null for no record. */
async function fingerprintOf(handle: FileHandle): Promise<string | null> {
  const head = await readAt(handle, 0, HEAD_BYTES);
  let from = 0;
  for (let to = head.indexOf("\n"); to >= 0; to = head.indexOf("\n", from)) {
    const record = readRecordLine(cleaned(head.subarray(from, to).toString("utf8")));
    from = to + 1;
    if (record) return createHash("sha256").update(head.subarray(0, from)).digest("hex");
  }
  return null;
}

function readLines(text: string): { readonly records: readonly CallRecord[]; readonly garbageLines: number } {
  const lines = text.split("\n").map(cleaned).filter(Boolean);
  const records = lines.map(readRecordLine).filter((record) => record !== null);
  return { records, garbageLines: lines.length - records.length };
}

/** A file system that was cut off may leave a hole of zeros where a line was to begin. */
function cleaned(line: string): string {
  return line.replaceAll("\0", "").trim();
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
