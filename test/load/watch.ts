import { existsSync, readFileSync } from "node:fs";
import { type Installation, type PartName, SERVERS } from "./installation.ts";
import { cpuSeconds, processUse, sharedOutBytes } from "./process-use.ts";

/** What is watched over time; PostgreSQL, many processes that share memory, is only looked at before and after. */
export const WATCHED = [...SERVERS, "Asterisk"] as const satisfies readonly PartName[];
export type Watched = (typeof WATCHED)[number];

export interface Sample {
  readonly residentBytes: Readonly<Record<Watched, number>>;
  readonly openFiles: Readonly<Record<Watched, number>>;
  readonly connections: number;
}

/** What is looked at again and again, until it is told to stop or given back. */
export interface Watching<T> extends AsyncDisposable {
  /** Answers all that was seen; throws when a look failed. */
  stop(): Promise<readonly T[]>;
}

/** Looks every `everyMs` from now on, one look at a time. */
export function watch<T>(look: () => Promise<T>, everyMs: number): Watching<T> {
  const seen: T[] = [];
  let looking = Promise.resolve();
  let failed: unknown = null;
  const timer = setInterval(() => {
    looking = looking
      .then(async () => void seen.push(await look()))
      .catch((error: unknown) => {
        failed = error;
      });
  }, everyMs);
  const end = async (): Promise<void> => {
    clearInterval(timer);
    await looking;
  };
  return {
    async stop() {
      await end();
      if (failed !== null) throw new Error("what was watched is gone", { cause: failed });
      return seen;
    },
    [Symbol.asyncDispose]: end,
  };
}

export async function sample(installation: Installation): Promise<Sample> {
  const uses = WATCHED.map((name) => [name, processUse(installation.processIds[name])] as const);
  const figures = (figure: "residentBytes" | "openFiles") =>
    Object.fromEntries(uses.map(([name, use]) => [name, use[figure]])) as Record<Watched, number>;
  return {
    residentBytes: figures("residentBytes"),
    openFiles: figures("openFiles"),
    connections: await installation.connections(),
  };
}

/** Who has used how much processor time, the load itself included. */
export type CpuTimes = Readonly<Record<PartName | "callers and this program", number>>;

export function cpuTimes({ processIds }: Installation): CpuTimes {
  const own = Object.fromEntries(Object.entries(processIds).map(([name, pid]) => [name, cpuSeconds(pid)]));
  // Asterisk, PostgreSQL and the servers are our children, too, and are told above.
  const all = cpuSeconds(process.pid);
  const theirs = Object.values(own).reduce((sum, seconds) => sum + seconds, 0);
  return { ...own, "callers and this program": all - theirs } as CpuTimes;
}

export function cpuSince(before: CpuTimes, after: CpuTimes): CpuTimes {
  const entries = Object.entries(after).map(([name, seconds]) => [name, seconds - before[name as keyof CpuTimes]]);
  return Object.fromEntries(entries) as CpuTimes;
}

/** For how long, in µs since the machine began, somebody has waited for a processor or a disk (Linux's PSI, «some»). */
export interface Pressure {
  readonly cpu: number;
  readonly io: number;
}

export function pressureNow(): Pressure {
  return { cpu: stalledMicroseconds("cpu"), io: stalledMicroseconds("io") };
}

/** NaN where the kernel doesn't tell. */
function stalledMicroseconds(resource: keyof Pressure): number {
  const file = `/proc/pressure/${resource}`;
  if (!existsSync(file)) return Number.NaN;
  return Number(/^some .*total=(\d+)/m.exec(readFileSync(file, "utf8"))?.[1]);
}

/** Memory of each part now, in bytes. */
export function memoryNow({ processIds }: Installation): Readonly<Record<PartName, number>> {
  const bytes = Object.entries(processIds).map(([name, pid]) => [
    name,
    name === "PostgreSQL" ? sharedOutBytes(pid) : processUse(pid).residentBytes,
  ]);
  return Object.fromEntries(bytes) as Record<PartName, number>;
}
