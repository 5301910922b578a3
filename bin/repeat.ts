import { setTimeout as pause } from "node:timers/promises";

/** Does `work` now and again after each pause, until it is given back; tells of a failure once until it works again. */
export function repeat(
  everyMs: number,
  work: () => Promise<void>,
  onFailure: (error: unknown) => void,
): AsyncDisposable {
  const stop = new AbortController();
  const rounds = (async () => {
    let failing = false;
    while (!stop.signal.aborted) {
      try {
        await work();
        failing = false;
      } catch (error) {
        if (!failing) onFailure(error);
        failing = true;
      }
      await pause(everyMs, undefined, { signal: stop.signal }).catch(() => {}); // stopped: the loop ends
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await rounds;
    },
  };
}
