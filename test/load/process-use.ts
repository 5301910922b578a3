import { readdirSync, readFileSync } from "node:fs";

/** What Linux counts processor time in, on every architecture (USER_HZ). */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat behind the name, from 0: utime, stime, cutime, cstime. */
const CPU_FIELDS = [11, 12, 13, 14] as const;

/** What a process holds of the machine now. */
export interface ProcessUse {
  readonly residentBytes: number;
  readonly openFiles: number;
}

export function processUse(pid: number): ProcessUse {
  return {
    residentBytes: kilobytes(`/proc/${pid}/status`, "VmRSS"),
    openFiles: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** Processor time that a process, its children and those of them that have ended took so far. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const own = CPU_FIELDS.reduce((sum, field) => sum + Number(fields[field]), 0) / TICKS_PER_SECOND;
  return childrenOf(pid).reduce((sum, child) => sum + (orGone(() => cpuSeconds(child)) ?? 0), own);
}

/** The memory of a process and its children, what they share counted once. */
export function sharedOutBytes(pid: number): number {
  const own = kilobytes(`/proc/${pid}/smaps_rollup`, "Pss");
  return childrenOf(pid).reduce((sum, child) => sum + (orGone(() => sharedOutBytes(child)) ?? 0), own);
}

function childrenOf(pid: number): readonly number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  const children = threads.map((thread) => orGone(() => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")));
  return children.flatMap((list) => (list ?? "").split(" ").filter(Boolean).map(Number));
}

/** A child or a thread may end between its listing and the look at it. */
function orGone<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return null;
    throw error;
  }
}

function kilobytes(file: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(file, "utf8"));
  if (!found) throw new Error(`${file} doesn't tell ${name}`);
  return Number(found[1]) * 1_024;
}
