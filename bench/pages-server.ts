import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { acceptsConnections } from "../bin/child-processes.ts";
import { memoryLeft } from "../test/load/memory-left.ts";
import type { MemoryLeft } from "../test/load/memory-on-request.ts";
import { cpuSeconds } from "../test/load/process-use.ts";
import { eventually } from "../test/support/eventually.ts";

const PROGRAM = path.resolve(import.meta.dirname, "../bin/phone2pay.ts");
const TELLS_MEMORY = path.resolve(import.meta.dirname, "../test/load/memory-on-request.ts");
const PORT = 54_401;

/** `phone2pay serve --role http` in a process of its own, as an operator runs it. */
export interface PagesServer extends AsyncDisposable {
  readonly port: number;
  /** What it still holds after a garbage collection. */
  memoryLeft(): Promise<MemoryLeft>;
  /** Processor time that it took so far. */
  cpuSeconds(): number;
}

export async function startPagesServer(
  databaseUrl: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<PagesServer> {
  await using resources = new AsyncDisposableStack();
  const directory = resources.use(await mkdtempDisposable(path.join(tmpdir(), "bench-"))).path;
  const server = spawn(
    process.execPath,
    ["--expose-gc", "--import", TELLS_MEMORY, PROGRAM, "serve", "--role", "http"],
    {
      stdio: ["ignore", "inherit", "inherit"],
      env: {
        ...process.env,
        DATABASE_URL: databaseUrl,
        PHONE2PAY_HTTP_PORT: String(PORT),
        PHONE2PAY_BASE_URL: `http://127.0.0.1:${PORT}`,
        PHONE2PAY_AGI_SECRET: randomUUID(),
        PHONE2PAY_CALLER_HASH_KEY: randomUUID(),
        PHONE2PAY_WEBHOOK_KEY: randomUUID(),
        PHONE2PAY_LOG_LEVEL: "warn",
        LOAD_TEST_MEMORY_DIRECTORY: directory,
        ...environment,
      },
    },
  );
  resources.defer(async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill();
    await once(server, "exit");
  });
  await eventually(() => acceptsConnections(PORT));
  const { pid } = server;
  if (pid === undefined) throw new Error("the server has ended");
  const kept = resources.move();
  return {
    port: PORT,
    memoryLeft: () => memoryLeft(pid, directory),
    cpuSeconds: () => cpuSeconds(pid),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
