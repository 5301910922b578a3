import { setTimeout as pause } from "node:timers/promises";
import { speakPrompt } from "../core/speech.ts";
import { isDatabaseAway } from "../db/unavailable.ts";
import { type Call, CallOver, say } from "./call.ts";
import { inTime } from "./in-time.ts";

/** A caller is kept waiting for the database no longer than this: each second may cost them money. */
const DATABASE_WAIT_MS = 8_000;
const RETRY_MS = 500;

/**
 * Asks the database something that the call can't go on without. While it is away the caller is told to wait and it is
 * asked again; if it doesn't come back in time, CallOver. The question has to bear being asked twice, since an answer
 * may be lost on its way.
 */
export function awaitDatabase<T>(call: Call, ask: () => Promise<T>): Promise<T> {
  return inTime(askAgain(call, ask), DATABASE_WAIT_MS, () => {
    throw new CallOver("database_away", speakPrompt(call.language, "ivr.error.technical", {}));
  });
}

async function askAgain<T>(call: Call, ask: () => Promise<T>): Promise<T> {
  const { db, log, meter } = call.server;
  const deadline = meter.now() + DATABASE_WAIT_MS;
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (!(await isDatabaseAway(db, error)) || meter.now() >= deadline) throw error;
      log("call.database_away", { tries, error });
    }
    if (tries === 1) await say(call, speakPrompt(call.language, "ivr.wait", {}));
    await pause(RETRY_MS);
  }
}
