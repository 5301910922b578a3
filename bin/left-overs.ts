import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const END_MS_MAX = 8_000;

/** A process of a demo: `mark` is part of its command line, and proves that the number was not given to another since. */
export interface ProcessRecord {
  readonly name: string;
  readonly pid: number;
  readonly mark: string;
}

/** This process by its own command line, as it was typed: relative paths stay relative there. */
export function thisProcess(name: string): ProcessRecord {
  let commandLine = process.argv.join(" ");
  try {
    commandLine = asText(readFileSync("/proc/self/cmdline", "utf8"));
  } catch {
    // Not Linux: nobody will look it up there either.
  }
  return { name, pid: process.pid, mark: commandLine };
}

/** Keeps the list of a demo's processes in a file, for the start after one that was killed. */
export function recordProcesses(file: string): {
  readonly add: (record: ProcessRecord) => void;
  readonly written: () => Promise<void>;
} {
  const records = new Map<string, ProcessRecord>();
  let writing = Promise.resolve();
  return {
    add(record) {
      records.set(record.name, record);
      writing = writing.then(() => writeFile(file, JSON.stringify([...records.values()]), { mode: 0o600 }));
    },
    written: () => writing,
  };
}

/** The demo that this file tells of, if it is still up; its left-overs are its own then. */
export async function runningDemo(file: string): Promise<number | null> {
  const main = (await readRecords(file)).find(({ name }) => name === "demo");
  return main && main.pid !== process.pid && (await isStill(main)) ? main.pid : null;
}

/** Ends what a killed demo left running, and answers the names. Only Linux tells command lines; elsewhere nothing is ended. */
export async function endLeftOvers(file: string): Promise<readonly string[]> {
  const ended: string[] = [];
  for (const record of await readRecords(file)) {
    if (record.pid === process.pid || !(await isStill(record))) continue;
    ended.push(record.name);
    process.kill(record.pid, "SIGTERM");
    const deadline = performance.now() + END_MS_MAX;
    while (await isStill(record)) {
      if (performance.now() > deadline) process.kill(record.pid, "SIGKILL");
      await sleep(50);
    }
  }
  return ended;
}

async function readRecords(file: string): Promise<readonly ProcessRecord[]> {
  try {
    const read: unknown = JSON.parse(await readFile(file, "utf8"));
    return Array.isArray(read) ? read.filter(isRecord) : [];
  } catch {
    return []; // none yet, or cut short by the very kill it should help after
  }
}

function isRecord(value: unknown): value is ProcessRecord {
  const { name, pid, mark } = (value ?? {}) as Partial<Record<keyof ProcessRecord, unknown>>;
  return typeof name === "string" && Number.isInteger(pid) && typeof mark === "string" && mark.length > 3;
}

async function isStill({ pid, mark }: ProcessRecord): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return asText(commandLine).includes(mark);
}

function asText(commandLine: string): string {
  return commandLine.split("\0").join(" ").trim();
}
