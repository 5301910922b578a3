import { readFile, rm } from "node:fs/promises";
import { eventually } from "../support/eventually.ts";
import { type MemoryLeft, memoryFile } from "./memory-on-request.ts";

/** What a server started with memory-on-request.ts still holds after a garbage collection. */
export async function memoryLeft(pid: number, directory: string): Promise<MemoryLeft> {
  const file = memoryFile(pid, directory);
  await rm(file, { force: true });
  process.kill(pid, "SIGUSR2");
  const told = await eventually(() => readFile(file, "utf8").catch(() => null));
  return JSON.parse(told) as MemoryLeft;
}
