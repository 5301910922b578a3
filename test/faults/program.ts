import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

/** A process as an operator runs it, to which a test does what happens to processes. */
export interface Program extends AsyncDisposable {
  readonly pid: number | undefined;
  start(): Promise<void>;
  /** kill -9 */
  kill(): Promise<void>;
  /** It stops in its tracks, and everything that it holds stays open. */
  freeze(): void;
  thaw(): void;
}

/** `phone2pay serve --role ROLE`. */
export function program(options: {
  readonly role: "agi" | "jobs" | "http";
  readonly environment: Readonly<Record<string, string>>;
  readonly ready: () => Promise<unknown>;
}): Program {
  let child: ChildProcess | null = null;
  const signal = (name: NodeJS.Signals) => void child?.kill(name);
  async function kill(): Promise<void> {
    const dying = child;
    child = null;
    if (!dying || dying.exitCode !== null || dying.signalCode !== null) return;
    dying.kill("SIGKILL");
    await once(dying, "exit");
  }
  return {
    get pid() {
      return child?.pid;
    },
    async start() {
      child = spawn(
        process.execPath,
        [path.resolve(import.meta.dirname, "../../bin/phone2pay.ts"), "serve", "--role", options.role],
        { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, ...options.environment } },
      );
      await options.ready();
    },
    kill,
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    [Symbol.asyncDispose]: kill,
  };
}
