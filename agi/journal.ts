import { randomBytes } from "node:crypto";
import { access, constants, type FileHandle, mkdir, open, readdir, readFile, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";

/** A journal that nobody has touched for so long belongs to a process that died, and may be adopted. */
const ORPHANED_MS = 20_000;
/** So often a process shows that its journal has an owner. */
const TOUCH_EVERY_MS = 5_000;
/** Lines that one journal holds at most: all calls of a worker, each with its end and its last pulse, many times over. */
const LINES_MAX = 100_000;
const SUFFIX = ".journal";

const lineSchema = z.discriminatedUnion("kind", [
  /** The line is proved to have been up so long after answer: the pulses until then are owed. */
  z.object({ kind: z.literal("due"), uniqueid: z.string().min(1), throughMs: z.number() }),
  /** The call is over. `talkMs` is from answer to hang-up; null: never answered. */
  z.object({
    kind: z.literal("ended"),
    uniqueid: z.string().min(1),
    talkMs: z.number().min(0).nullable(),
    reason: z.string().min(1).max(40),
  }),
]);

/** What has to reach the database about a call, whatever happens to this process. */
export type JournalLine = z.infer<typeof lineSchema>;
type Kind = JournalLine["kind"];

/**
 * What a voice server knows and could not tell the database yet, on this machine's own disk. It is empty as long as the
 * database answers. Lines of one kind about one call replace each other.
 */
export interface Journal extends AsyncDisposable {
  /** Resolves when the lines are on disk; rejects when they can't be (they are remembered all the same). */
  keep(lines: readonly JournalLine[]): Promise<void>;
  /** The database has it now. */
  settle(kind: Kind, uniqueid: string): void;
  /** What is still to be told, oldest first. */
  readonly outstanding: readonly JournalLine[];
  /** Takes over the lines of processes that died, and answers how many. */
  adopt(): Promise<number>;
}

/** Opens the journal of one process; throws, with the directory named, when it can't be written to. */
export async function openJournal(options: {
  readonly directory: string;
  readonly onError?: (error: unknown) => void;
}): Promise<Journal> {
  const { directory, onError = () => {} } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 })
    .then(() => access(directory, constants.W_OK))
    .catch((cause: Error) => {
      throw new Error(`the journal's directory can't be used (PHONE2PAY_JOURNAL_DIRECTORY): ${cause.message}`, {
        cause,
      });
    });
  const file = path.join(directory, `${process.pid}-${randomBytes(6).toString("hex")}${SUFFIX}`);
  const outstanding = new Map<string, JournalLine>();
  let handle: FileHandle | null = null;
  let torn = false;
  let work: Promise<void> = Promise.resolve();

  /** One after the other: a file is never emptied while a line is on its way into it. */
  function inTurn(task: () => Promise<void>): Promise<void> {
    const done = work.then(task);
    work = done.catch(() => {});
    return done;
  }

  async function append(lines: readonly JournalLine[]): Promise<void> {
    handle ??= await open(file, "a", 0o600);
    const before = torn ? "\n" : ""; // what a full disk has cut off stays by itself
    torn = true;
    await handle.appendFile(before + lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    await handle.datasync();
    torn = false;
  }

  async function empty(): Promise<void> {
    if (outstanding.size > 0 || handle === null) return;
    await handle.close();
    handle = null;
    await rm(file, { force: true });
  }

  /** Shows that the journal has an owner. One that slept so long that it was adopted begins a new file. */
  async function touch(): Promise<void> {
    if (handle === null) return;
    const gone = await utimes(file, new Date(), new Date()).then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === "ENOENT",
    );
    if (!gone) return;
    await handle.close();
    handle = null;
    await append([...outstanding.values()]);
  }

  const touching = setInterval(() => void inTurn(touch).catch(onError), TOUCH_EVERY_MS);
  touching.unref();

  const journal: Journal = {
    async keep(lines) {
      for (const line of lines) remember(outstanding, line);
      if (outstanding.size > LINES_MAX) onError(new Error(`the local journal holds ${outstanding.size} lines`));
      await inTurn(() => append(lines));
    },
    settle(kind, uniqueid) {
      if (outstanding.delete(`${kind} ${uniqueid}`) && outstanding.size === 0) void inTurn(empty).catch(onError);
    },
    get outstanding() {
      return [...outstanding.values()];
    },
    async adopt() {
      let adopted = 0;
      for (const orphan of await orphansIn(directory)) {
        const lines = await readLines(orphan, onError);
        await journal.keep(lines); // first ours, then no longer theirs: what is told twice is booked once
        await rm(orphan, { force: true });
        adopted += lines.length;
      }
      return adopted;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(touching);
      await inTurn(async () => {
        await handle?.close(); // what is outstanding stays on disk, for whoever adopts it
        handle = null;
      });
    },
  };
  return journal;
}

async function orphansIn(directory: string): Promise<readonly string[]> {
  const orphans: string[] = [];
  for (const name of await readdir(directory)) {
    if (!name.endsWith(SUFFIX)) continue;
    const file = path.join(directory, name);
    const touched = await stat(file).catch(() => null);
    if (touched && Date.now() - touched.mtimeMs > ORPHANED_MS) orphans.push(file);
  }
  return orphans;
}

/** The last line of each kind about each call. One that is torn was never promised to anybody. */
async function readLines(file: string, onError: (error: unknown) => void): Promise<readonly JournalLine[]> {
  const text = await readFile(file, "utf8").catch(() => ""); // another process was quicker
  const lines = new Map<string, JournalLine>();
  for (const row of text.split("\n").filter(Boolean)) {
    const line = readLine(row);
    if (line) remember(lines, line);
    else onError(new Error(`a line of the local journal can't be read: ${row.slice(0, 100)}`));
  }
  return [...lines.values()];
}

/** The newest line of its kind about a call; of two that say how long it was up the longer one, whichever came first. */
function remember(lines: Map<string, JournalLine>, line: JournalLine): void {
  const key = `${line.kind} ${line.uniqueid}`;
  const known = lines.get(key);
  if (known?.kind === "due" && line.kind === "due" && known.throughMs > line.throughMs) return;
  lines.set(key, line);
}

function readLine(row: string): JournalLine | null {
  try {
    return lineSchema.parse(JSON.parse(row));
  } catch {
    return null;
  }
}
