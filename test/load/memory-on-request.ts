import { renameSync, writeFileSync } from "node:fs";

/**
 * Loaded into the servers of a load test before their program. What a process holds in truth shows after a garbage
 * collection only, and those come when they like; so at SIGUSR2 it collects, and writes what is left into a file for
 * whoever asked.
 */
export interface MemoryLeft {
  readonly heapUsed: number;
  readonly rss: number;
}

export function memoryFile(pid: number, directory: string): string {
  return `${directory}/memory-${pid}.json`;
}

const directory = process.env.LOAD_TEST_MEMORY_DIRECTORY;
if (directory)
  process.on("SIGUSR2", () => {
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    const file = memoryFile(process.pid, directory);
    writeFileSync(`${file}.new`, JSON.stringify({ heapUsed, rss } satisfies MemoryLeft));
    renameSync(`${file}.new`, file);
  });
