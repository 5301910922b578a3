import { setTimeout as pause } from "node:timers/promises";
import { adviseCharges } from "../agi/advice-of-charge.ts";
import { type AmiLink, superviseAmi } from "../agi/ami-link.ts";
import { superviseLegs } from "../agi/supervisor.ts";
import { keepUp } from "../db/upkeep.ts";
import { startCallRecords } from "./call-record-jobs.ts";
import { readEndedCalls } from "./call-records.ts";
import type { RoleParts } from "./role-parts.ts";
import { startWebhooks } from "./webhook-jobs.ts";

const ROUND_EVERY_MS = 1_000;
/** After the database was away, legs look abandoned until their workers have caught up: so long nothing is closed. */
const CATCH_UP_MS = 60_000;

/** Does what nobody waits for: notes what has expired, confirms by lapse of time, closes what a crash left open. */
export function startJobs(parts: RoleParts): void {
  const { config, db, log, worker, resources } = parts;
  const { callRecordsFile } = config;
  const endedCalls = callRecordsFile ? (ids: readonly string[]) => readEndedCalls(callRecordsFile, ids) : undefined;
  const stop = new AbortController();
  let closeLegsFrom = performance.now() + CATCH_UP_MS;
  const round = async (): Promise<void> => {
    try {
      await keepUp(db, { worker, closeAbandoned: performance.now() > closeLegsFrom, endedCalls });
    } catch (error) {
      closeLegsFrom = performance.now() + CATCH_UP_MS;
      log.error({ error }, "jobs.failed");
    }
  };
  const rounds = (async () => {
    while (!stop.signal.aborted) {
      await round();
      await pause(ROUND_EVERY_MS, undefined, { signal: stop.signal }).catch(() => {}); // stopped: the loop ends
    }
  })();
  resources.defer(async () => {
    stop.abort();
    await rounds;
  });
  startWebhooks(parts);
  startCallRecords(parts, superviseCalls(parts));
}

/** Has Asterisk say which calls there are, where its manager interface is known; without it legs are closed later. */
function superviseCalls({ config, db, log, worker, resources }: RoleParts): AmiLink | null {
  if (!config.ami) return null;
  const link = resources.use(superviseAmi({ ...config.ami, onError: (error) => log.error({ error }, "ami.failed") }));
  link.listen({
    onUp: () => log.info("ami.up"),
    onDown: (error) => log.warn({ error }, "ami.down"),
  });
  const warn = (event: string, details: Readonly<Record<string, unknown>>) => log.warn(details, event);
  resources.use(superviseLegs({ db, link, worker, log: warn }));
  if (config.adviceOfChargeTo.length > 0)
    resources.use(adviseCharges({ db, link, endpoints: config.adviceOfChargeTo, log: warn }));
  return link;
}
