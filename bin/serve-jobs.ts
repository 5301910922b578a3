import { keepUp } from "../db/upkeep.ts";
import type { RoleParts } from "./serve.ts";

const ROUND_EVERY_MS = 1_000;
/** After the database was away, legs look abandoned until their workers have caught up: so long nothing is closed. */
const CATCH_UP_MS = 60_000;

/** Does what nobody waits for: notes what has expired, confirms by lapse of time, closes what a crash left open. */
export function startJobs({ db, log, worker, resources }: RoleParts): void {
  const stop = new AbortController();
  let closeLegsFrom = performance.now() + CATCH_UP_MS;
  const round = async (): Promise<void> => {
    try {
      await keepUp(db, { worker, closeLegs: performance.now() > closeLegsFrom });
    } catch (error) {
      closeLegsFrom = performance.now() + CATCH_UP_MS;
      log.error({ error }, "jobs.failed");
    }
  };
  const rounds = (async () => {
    while (!stop.signal.aborted) {
      await round();
      await pause(ROUND_EVERY_MS, stop.signal);
    }
  })();
  resources.defer(async () => {
    stop.abort();
    await rounds;
  });
}

function pause(milliseconds: number, until: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    until.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
