import type { Db } from "../db/database.ts";
import type { VoiceServer } from "./call.ts";
import { openJournal } from "./journal.ts";
import { startMeter } from "./meter.ts";
import { loadPrompts } from "./prompts.ts";
import { replayJournal } from "./replay.ts";

/**
 * Everything that the calls of one worker share: the meter, the local journal with its replay, the recordings. Throws
 * when a recording is missing or the journal's directory can't be written to. Give it back after the last call.
 */
export async function openVoiceServer(options: {
  readonly db: Db;
  /** Names this process in the books, for people who look. */
  readonly worker: string;
  readonly callerHashKey: string;
  /** Where Asterisk plays the recordings from. */
  readonly promptsDirectory: string;
  readonly journalDirectory: string;
  readonly log: VoiceServer["log"];
}): Promise<VoiceServer & AsyncDisposable> {
  const { db, worker, callerHashKey, log } = options;
  const prompts = await loadPrompts(options.promptsDirectory);
  await using resources = new AsyncDisposableStack();
  const journalFailed = (error: unknown) => log("journal.failed", { error });
  const journal = resources.use(await openJournal({ directory: options.journalDirectory, onError: journalFailed }));
  const bookingFailed = (error: unknown) => log("meter.booking_failed", { error });
  const meter = resources.use(startMeter({ db, journal, onError: bookingFailed }));
  resources.use(replayJournal({ db, journal, worker, meters: meter.meters, log }));
  const kept = resources.move();
  return {
    db,
    meter,
    journal,
    prompts,
    worker,
    callerHashKey,
    log,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
