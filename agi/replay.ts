import { setTimeout as pause } from "node:timers/promises";
import { bookThrough, closeLeg } from "../db/close-leg.ts";
import type { Db } from "../db/database.ts";
import { isDatabaseAway } from "../db/unavailable.ts";
import type { Journal, JournalLine } from "./journal.ts";

/** So often the database is asked to take what the journal holds. */
const REPLAY_EVERY_MS = 1_000;
/** So often journals without an owner are looked for. */
const ADOPT_EVERY_MS = 10_000;

/**
 * Tells the database what the local journal holds, until it has taken it, and adopts the journals of processes that
 * died. What is told was worked out before and doesn't change, so telling it again can't book anything twice.
 */
export function replayJournal(options: {
  readonly db: Db;
  readonly journal: Journal;
  /** Names this process in the books, for people who look. */
  readonly worker: string;
  /** Whether a call is being metered in this process, which then books its pulses itself. */
  readonly meters: (uniqueid: string) => boolean;
  readonly log: (event: string, details: Readonly<Record<string, unknown>>) => void;
}): AsyncDisposable {
  const { journal, meters, log } = options;
  const stop = new AbortController();
  let adoptAt = 0;

  async function round(): Promise<void> {
    if (performance.now() >= adoptAt) {
      adoptAt = performance.now() + ADOPT_EVERY_MS;
      const adopted = await journal.adopt();
      if (adopted > 0) log("journal.adopted", { lines: adopted });
    }
    for (const line of journal.outstanding) {
      if (stop.signal.aborted) return;
      if (line.kind === "due" && meters(line.uniqueid)) continue;
      await tell(options, line);
      journal.settle(line.kind, line.uniqueid);
    }
  }

  const rounds = (async () => {
    while (!stop.signal.aborted) {
      await round().catch((error: unknown) => log("journal.waiting", { lines: journal.outstanding.length, error }));
      await pause(REPLAY_EVERY_MS, undefined, { signal: stop.signal, ref: false }).catch(() => {}); // stopped: the loop ends
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await rounds;
    },
  };
}

/** A line that the database refuses holds up no other: it is told to the operator, and is worth nothing. */
async function tell({ db, worker, log }: Parameters<typeof replayJournal>[0], line: JournalLine): Promise<void> {
  try {
    if (line.kind === "ended") await closeLeg(db, { ...line, worker });
    else await bookThrough(db, { ...line, worker });
  } catch (error) {
    if (await isDatabaseAway(db, error)) throw error;
    log("journal.refused", { line, error });
  }
}
