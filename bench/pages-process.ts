import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { BookedPulse } from "./running-payments.ts";
import type { Heard, Order } from "./watching-pages.ts";

/** How long after the commit that booked them pulses were at the pages. */
export interface Lateness {
  readonly lateMs: readonly number[];
  /** Pulses that a page was never told, nor of a later one. */
  readonly lost: number;
}

/** The process of the pages that watch. */
export interface Pages extends AsyncDisposable {
  order<T>(order: Order): Promise<T>;
}

export function openPages(): Pages {
  const child: ChildProcess = fork(path.join(import.meta.dirname, "watching-pages.ts"), { serialization: "advanced" });
  const ended = once(child, "exit");
  return {
    async order<T>(order: Order) {
      child.send(order);
      const [answer] = await Promise.race([
        once(child, "message"),
        ended.then(() => {
          throw new Error("the pages' process has ended");
        }),
      ]);
      return answer as T;
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}

/** A page that was told a later sum knows the earlier one, too. */
export function latenessOf(booked: readonly BookedPulse[], heard: readonly Heard[]): Lateness {
  const bookedOf = Map.groupBy(booked, ({ id }) => id);
  const lateMs: number[] = [];
  let lost = 0;
  for (const { id, sums, atMs } of heard) {
    let next = 0;
    for (const { billedRappen, committedAtMs } of bookedOf.get(id) ?? []) {
      while (next < sums.length && (sums[next] ?? 0) < billedRappen) next++;
      const at = atMs[next];
      if (at === undefined) lost++;
      else lateMs.push(at - committedAtMs);
    }
  }
  return { lateMs, lost };
}
